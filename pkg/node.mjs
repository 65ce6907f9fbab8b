/*! easypeers 0.1.0 | MIT */
import r from"./node.cjs";var{EasypeersError:o,DeliveryError:s,ClosedError:t}=r;export{t as ClosedError,s as DeliveryError,r as Easypeers,o as EasypeersError,r as default};
