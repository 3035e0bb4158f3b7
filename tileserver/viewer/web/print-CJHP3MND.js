import{a,b,c}from"./chunk-O62NTGIW.js";import"./chunk-BOE7WIT4.js";import"./chunk-LTAFEZVP.js";export{b as installPrint,c as printSheet,a as printable};
