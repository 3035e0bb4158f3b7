// The words of this room: key: [Chinese, English].

export const findWords = {
  'search.label': ['查找行政区', 'Find a place'],
  'search.hint': ['查找行政区名称或代码', 'Place name or code'],
  'search.none': ['没有找到“{q}”', 'Nothing found for “{q}”'],
  'search.measure': ['统计面积', 'Measure'],
} as const;
