import{c as r}from"./chunk-RGKOQSMA.js";function n(t){return t===""?r("vintage.latest"):/^\d{4}$/.test(t)?r("layers.vintage",{vintage:t}):t}export{n as a};
