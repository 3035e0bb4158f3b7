// Names of fields and codes of the land survey (TD/T 1057-2020 国土调查数据库标准
// and the database standards of permanent basic farmland), for the tables of the
// page. Fields that are not listed are shown under their own name.

import type { Lang } from './i18n';

// Each field: [Chinese, English, kind]. The kind says how a value is written:
// area (m², two decimals), mu, ha, number, count, class (land class code), or a
// code list below; without one it is text.
type Pair = readonly [string, string];

const fields: Record<string, readonly [string, string, string?]> = {
  BSM: ['标识码', 'Identifier'],
  YSDM: ['要素代码', 'Feature code'],
  TBYBH: ['图斑预编号', 'Preliminary patch no.'],
  TBBH: ['图斑编号', 'Patch no.'],
  YJJBNTTBBH: ['永久基本农田图斑编号', 'PBF patch no.'],
  XMBH: ['项目编号', 'Project no.'],
  XMMC: ['项目名称', 'Project'],
  JCND: ['建成年度', 'Year built'],
  JSND: ['建设年度', 'Year of works'],
  YSRQ: ['验收日期', 'Accepted on'],
  DLBM: ['地类编码', 'Land class code', 'class'],
  DLMC: ['地类名称', 'Land class'],
  QSXZ: ['权属性质', 'Ownership', 'QSXZ'],
  QSDWDM: ['权属单位代码', 'Owner code'],
  QSDWMC: ['权属单位名称', 'Owner'],
  ZLDWDM: ['坐落单位代码', 'Located in (code)'],
  ZLDWMC: ['坐落单位名称', 'Located in'],
  XZQDM: ['行政区代码', 'Place code'],
  XZQMC: ['行政区名称', 'Place'],
  TBMJ: ['图斑面积', 'Patch area', 'area'],
  KCDLBM: ['扣除地类编码', 'Deducted class', 'class'],
  KCXS: ['扣除系数', 'Deduction factor'],
  KCMJ: ['扣除地类面积', 'Deducted area', 'area'],
  TBDLMJ: ['图斑地类面积', 'Net area of class', 'area'],
  YJJBNTTBMJ: ['永久基本农田图斑面积', 'PBF patch area', 'area'],
  YJJBNTMJ: ['永久基本农田面积', 'PBF net area', 'area'],
  DCMJ: ['调查面积', 'Surveyed area', 'area'],
  JSMJ: ['计算面积', 'Computed area', 'area'],
  MJ: ['面积', 'Area', 'area'],
  GDLX: ['耕地类型', 'Cropland type', 'GDLX'],
  GDPDJB: ['坡度级别', 'Slope grade', 'GDPDJB'],
  GDDB: ['耕地等别', 'Cropland rank'],
  GDDJ: ['耕地质量等级', 'Quality grade'],
  ZLDJ: ['质量等级', 'Quality'],
  XZDWKD: ['线状地物宽度（米）', 'Width of linear feature (m)'],
  TBXHDM: ['图斑细化代码', 'Refinement code'],
  TBXHMC: ['图斑细化名称', 'Refinement'],
  ZZSXDM: ['种植属性代码', 'Planting code'],
  ZZSXMC: ['种植属性名称', 'Planting'],
  FRDBS: ['飞入地标识', 'Enclave flag'],
  CZCSXM: ['城镇村属性码', 'Settlement code'],
  SJNF: ['数据年份', 'Year of data'],
  MSSM: ['描述说明', 'Mainland or island', 'MSSM'],
  HDMC: ['海岛名称', 'Island'],
  BHKSSJ: ['保护开始时间', 'Protected from'],
  BHJSSJ: ['保护结束时间', 'Protected until'],
  WDGD: ['稳定耕地', 'Stable cropland'],
  BZ: ['备注', 'Remark'],
  class: ['地类', 'Class', 'class'],
  count: ['合并图斑数', 'Patches merged', 'count'],
  vintage: ['年度', 'Vintage'],
  area_m2: ['椭球面积', 'Ellipsoidal area', 'area'],
  area_mu: ['椭球面积', 'Ellipsoidal area', 'mu'],
  area_ha: ['椭球面积', 'Ellipsoidal area', 'ha'],
  patch_m2: ['登记图斑面积', 'Patch area of record', 'area'],
  net_m2: ['登记净面积', 'Net area of record', 'area'],
  net_mu: ['登记净面积', 'Net area of record', 'mu'],
};

// Land classes of the survey (三调工作分类). A trailing K (可调整) is added below.
const classes: Record<string, Pair> = {
  '01': ['耕地', 'Cropland'], '0101': ['水田', 'Paddy field'], '0102': ['水浇地', 'Irrigated land'], '0103': ['旱地', 'Dry land'],
  '02': ['种植园用地', 'Plantation'], '0201': ['果园', 'Orchard'], '0202': ['茶园', 'Tea garden'], '0203': ['橡胶园', 'Rubber'], '0204': ['其他园地', 'Other plantation'],
  '03': ['林地', 'Woodland'], '0301': ['乔木林地', 'Forest'], '0302': ['竹林地', 'Bamboo'], '0303': ['红树林地', 'Mangrove'], '0304': ['森林沼泽', 'Forest swamp'],
  '0305': ['灌木林地', 'Shrubland'], '0306': ['灌丛沼泽', 'Shrub swamp'], '0307': ['其他林地', 'Other woodland'],
  '04': ['草地', 'Grassland'], '0401': ['天然牧草地', 'Natural pasture'], '0402': ['沼泽草地', 'Marsh grassland'], '0403': ['人工牧草地', 'Sown pasture'], '0404': ['其他草地', 'Other grassland'],
  '05H1': ['商业服务业设施用地', 'Commercial'], '0508': ['物流仓储用地', 'Storage'], '0601': ['工业用地', 'Industry'], '0602': ['采矿用地', 'Mining'], '0603': ['盐田', 'Salt pan'],
  '0701': ['城镇住宅用地', 'Urban housing'], '0702': ['农村宅基地', 'Rural housing'], '08H1': ['机关团体新闻出版用地', 'Public offices'], '08H2': ['科教文卫用地', 'Education and health'],
  '0809': ['公用设施用地', 'Utilities'], '0810': ['公园与绿地', 'Park'], '09': ['特殊用地', 'Special use'],
  '1001': ['铁路用地', 'Railway'], '1002': ['轨道交通用地', 'Light rail'], '1003': ['公路用地', 'Road'], '1004': ['城镇村道路用地', 'Street'], '1005': ['交通服务场站用地', 'Transport yard'],
  '1006': ['农村道路', 'Rural road'], '1007': ['机场用地', 'Airport'], '1008': ['港口码头用地', 'Port'], '1009': ['管道运输用地', 'Pipeline'],
  '1101': ['河流水面', 'River'], '1102': ['湖泊水面', 'Lake'], '1103': ['水库水面', 'Reservoir'], '1104': ['坑塘水面', 'Pond'], '1105': ['沿海滩涂', 'Tidal flat'], '1106': ['内陆滩涂', 'Inland flat'],
  '1107': ['沟渠', 'Ditch'], '1108': ['沼泽地', 'Marsh'], '1109': ['水工建筑用地', 'Hydraulic works'], '1110': ['冰川及永久积雪', 'Glacier'],
  '1201': ['空闲地', 'Vacant'], '1202': ['设施农用地', 'Farm facilities'], '1203': ['田坎', 'Field ridge'], '1204': ['盐碱地', 'Saline land'], '1205': ['沙地', 'Sand'], '1206': ['裸土地', 'Bare soil'], '1207': ['裸岩石砾地', 'Bare rock'],
};

const codes: Record<string, Record<string, Pair>> = {
  QSXZ: {
    10: ['国有土地所有权', 'state-owned'], 20: ['国有土地使用权', 'state land, use right'], 21: ['国有无居民海岛使用权', 'island, use right'],
    30: ['集体土地所有权', 'collective'], 31: ['村民小组', 'villagers’ group'], 32: ['村集体经济组织', 'village collective'],
    33: ['乡集体经济组织', 'township collective'], 34: ['其他农民集体', 'other collective'], 40: ['集体土地使用权', 'collective, use right'],
  },
  GDPDJB: { 1: ['≤ 2°', '≤ 2°'], 2: ['2°–6°', '2°–6°'], 3: ['6°–15°', '6°–15°'], 4: ['15°–25°', '15°–25°'], 5: ['> 25°', '> 25°'] },
  GDLX: { PD: ['坡地', 'slope'], TT: ['梯田', 'terrace'] },
  MSSM: { '00': ['陆地', 'mainland'], '01': ['海岛', 'island'] },
  class: classes,
};

const order = new Map(Object.keys(fields).map((name, i) => [name, i]));

// fieldTitle returns a field's name in language l, or '' if it is not known.
export function fieldTitle(name: string, l: Lang): string {
  const pair = fields[name] ?? fields[name.toUpperCase()];
  return pair ? pair[l === 'zh' ? 0 : 1] : '';
}

// fieldKind returns how the values of a field are written.
export const fieldKind = (name: string): string => (fields[name] ?? fields[name.toUpperCase()])?.[2] ?? 'text';

// fieldOrder compares two field names: known ones in the order above, then the rest.
export const fieldOrder = (a: string, b: string): number => (order.get(a) ?? 1000) - (order.get(b) ?? 1000) || (a < b ? -1 : 1);

// codeTitle returns what a code of a list means in language l, or ''.
export function codeTitle(list: string, text: string, l: Lang): string {
  const pair = codes[list]?.[text] ?? codes[list]?.[text.replace(/[KA]$/, '')];
  if (!pair) return '';
  const suffix = list === 'class' && text.endsWith('K') ? (l === 'zh' ? '（可调整）' : ' (restorable)') : '';
  return pair[l === 'zh' ? 0 : 1] + suffix;
}
