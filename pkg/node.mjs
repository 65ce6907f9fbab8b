/*! easypeers 1.0.0 | MIT */
import r from"./node.cjs";var{EasypeersError:E,DeliveryError:a,RequestError:f,ClosedError:l}=r;export{l as ClosedError,a as DeliveryError,r as Easypeers,E as EasypeersError,f as RequestError,r as default};
