import{c as r}from"./chunk-S7IRKQ3S.js";function n(t){return t===""?r("vintage.latest"):/^\d{4}$/.test(t)?r("layers.vintage",{vintage:t}):t}export{n as a};
