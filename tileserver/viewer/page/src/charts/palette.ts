// Colours of charts: those of Okabe and Ito, which readers who see red and green alike tell
// apart, darkened to stand on white. In print their hatchings tell parts apart.

export const palette = ['#1f6b4a', '#c0620c', '#1c6ea4', '#8a3b78', '#8a7500', '#4c5954'] as const;

// colourOf returns the colour of the n-th part; they come again after the last.
export const colourOf = (n: number): string => palette[n % palette.length] ?? palette[0];
