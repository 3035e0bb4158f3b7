import"./chunk-CKXVZCJ5.js";
