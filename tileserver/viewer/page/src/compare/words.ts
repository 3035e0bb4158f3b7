// The words of this room: key: [Chinese, English].

export const compareWords = {
  'swipe.open': ['卷帘对比两个年度', 'Compare two vintages'],
  'swipe.label': ['年度对比', 'Comparison of vintages'],
  'swipe.left': ['左侧年度', 'Vintage at the left'],
  'swipe.right': ['右侧年度', 'Vintage at the right'],
  'swipe.divider': ['分界线', 'Divider'],
  'swipe.value': ['左侧 {left} 占 {at}%，右侧 {right}', '{left} at the left, {at}%; {right} at the right'],
  'swipe.note': ['点图斑查所在一侧；画图与统计按右侧', 'A click asks its side; drawing and figures are of the right'],
  'swipe.close': ['退出对比（Esc）', 'Leave the comparison (Esc)'],
  'swipe.failed': ['对比没有打开。', 'The comparison could not be opened.'],
} as const;
