/*! easypeers 0.1.0 | MIT */
import r from"./node.cjs";var{EasypeersError:a,DeliveryError:f,ClosedError:E}=r;export{E as ClosedError,f as DeliveryError,r as Easypeers,a as EasypeersError,r as default};
