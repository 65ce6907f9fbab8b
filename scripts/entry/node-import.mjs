// `import` in Node: the same class that `require` gives, so that an application that does both has one.
import Easypeers from './node.cjs'

const { EasypeersError, DeliveryError, ClosedError } = Easypeers

export { Easypeers, Easypeers as default, EasypeersError, DeliveryError, ClosedError }
