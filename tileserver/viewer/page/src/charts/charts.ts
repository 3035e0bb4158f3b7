// Charts that rooms share: SVG drawings that fit their width from 260 pixels on, told apart
// without colour, each with its figures as text or in a table behind it. The room charts
// draws what it is given, and never asks the server nor knows what a figure is of.

export { bar, type BarOptions, type BarRow } from './bar';
export { line, type LineOptions, type Point, type Series } from './line';
export { palette, colourOf } from './palette';
export { progress, type ProgressOptions } from './progress';
export { sankey, type Flow, type SankeyOptions } from './sankey';
