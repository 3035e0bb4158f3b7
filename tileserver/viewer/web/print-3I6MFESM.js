import{a,b,c}from"./chunk-RVUJ7U7V.js";import"./chunk-JSUSSKTV.js";import"./chunk-QGPARD6W.js";export{b as installPrint,c as printSheet,a as printable};
