import"./chunk-GB2JJUDM.js";
