// The words of this room: key: [Chinese, English].

export const chartWords = {
  'chart.none': ['没有数据', 'No figures'],
  'chart.missing': ['无记录', 'no record'],
  'chart.value': ['数值（{unit}）', 'Value ({unit})'],
  'chart.from': ['变更前', 'Before'],
  'chart.to': ['变更后', 'After'],
  'chart.year': ['年度', 'Year'],
  'chart.target.of': ['目标 {value} {unit}', 'Target {value} {unit}'],
  'chart.below': ['低于目标 {n} {unit}', '{n} {unit} below the target'],
  'chart.above': ['高于目标 {n} {unit}', '{n} {unit} above the target'],
  'chart.equal': ['与目标相等', 'Equal to the target'],
  'chart.flow': ['{from} → {to}：{value} {unit}', '{from} → {to}: {value} {unit}'],
  'chart.done': ['已完成 {p}', '{p} done'],
  'chart.left': ['还差 {n} {unit}', '{n} {unit} to go'],
  'chart.reached': ['已达到', 'Reached'],
  'chart.progress': ['{label}：{value} / {target} {unit}（{p}）', '{label}: {value} of {target} {unit} ({p})'],
} as const;
