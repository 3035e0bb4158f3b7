// The words of this room: key: [Chinese, English].

export const compareWords = {
  'compare.open': ['卷帘对比两个年度', 'Compare two vintages'],
  'compare.label': ['年度对比', 'Comparison of vintages'],
  'compare.left': ['左侧年度', 'Vintage at the left'],
  'compare.right': ['右侧年度', 'Vintage at the right'],
  'compare.divider': ['分界线', 'Divider'],
  'compare.value': ['左侧 {left} 占 {at}%，右侧 {right}', '{left} at the left, {at}%; {right} at the right'],
  'compare.sides': ['点图斑查所在一侧；画图与统计按右侧', 'A click asks its side; drawing and figures are of the right'],
  'compare.close': ['退出对比（Esc）', 'Leave the comparison (Esc)'],
  'compare.failed': ['对比没有打开。', 'The comparison could not be opened.'],
} as const;
