import{a,b,c}from"./chunk-7KCXJZTN.js";import"./chunk-EPRPX6SI.js";import"./chunk-3FUHQDO3.js";export{b as installPrint,c as printSheet,a as printable};
