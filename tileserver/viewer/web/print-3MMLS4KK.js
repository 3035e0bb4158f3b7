import{a,b,c}from"./chunk-ULKBPATN.js";import"./chunk-YN4J2PJ2.js";import"./chunk-2VSQZFXZ.js";export{b as installPrint,c as printSheet,a as printable};
