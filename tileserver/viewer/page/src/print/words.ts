// The words of this room: key: [Chinese, English].

export const printWords = {
  'print.of': ['耕图 · {tier} · {what}', 'Gengtu · {tier} · {what}'],
  'print.map': ['打印时的地图', 'The map when this was printed'],
  'print.map.sides': ['打印时的地图：左 {left}，右 {right}', 'The map when this was printed: {left} on the left, {right} on the right'],
  'print.edition': ['版别', 'Edition'],
  'print.generation': ['数据版本', 'Generation'],
  'print.vintage': ['数据年度', 'Vintage'],
  'print.approval': ['审图号', 'Map approval'],
  'print.use': ['用途', 'Use'],
  'print.disclaimer': ['声明', 'Disclaimer'],
  'print.formula': ['算法', 'Formula'],
  'print.program': ['程序', 'Program'],
  'print.time': ['打印时间', 'Printed'],
  'print.late': ['打印版式没有及时载入，印出的是整个网页。现已就绪，请再打印一次。', 'The sheet for the printer came too late: what was printed is the page as it stands. It is ready now; print once more.'],
  'print.failed': ['打印版式没有载入，印出的是整个网页。请检查网络后再打印。', 'The sheet for the printer could not be loaded: what was printed is the page as it stands. Check the connection and print again.'],
} as const;
