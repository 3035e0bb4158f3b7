// The words of this room: key: [Chinese, English].

export const featureWords = {
  'feature.count': ['此处有 {n} 个要素', '{n} features here'],
  'feature.merged': ['此比例尺下图斑已合并显示，放大后可查看单个图斑。', 'Patches are merged at this scale; zoom in to see single ones.'],
  'feature.zoom': ['缩放至图斑', 'Zoom to it'],
  'feature.none': ['没有可显示的字段', 'No fields to show'],
  'feature.vintage': ['数据年度：{vintage}', 'Vintage: {vintage}'],
  'feature.id': ['要素编号', 'Feature id'],
} as const;
