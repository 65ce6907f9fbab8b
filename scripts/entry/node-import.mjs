// `import` in Node: the same class that `require` gives, so that an application that does both has one.
import Easypeers from './node.cjs'

const { EasypeersError, DeliveryError, RequestError, ClosedError } = Easypeers

export { Easypeers, Easypeers as default, EasypeersError, DeliveryError, RequestError, ClosedError }
