// The words of the page, brought together above its rooms: key: [Chinese, English]. Each room
// has its own beside it; here are those that belong to none. main.ts imports this before any room.

import type { analysesWords } from './analyses/words';
import { askWords } from './ask/words';
import type { chartWords } from './charts/words';
import { compareWords } from './compare/words';
import { addWords } from './core/words';
import type { dashboardWords } from './dashboard/words';
import { editionWords } from './edition/words';
import { featureWords } from './feature/words';
import type { fileWords } from './files/words';
import { findWords } from './find/words';
import { mapWords } from './map/words';
import { printWords } from './print/words';
import type { shareWords } from './share/words';

const common = {
  'app.name': ['耕图', 'Gengtu'],
  'app.sub': ['耕地 · 永久基本农田 · 高标准农田', 'Cropland · Permanent basic farmland · High-standard farmland'],
  'formula': ['CGCS2000 椭球面积', 'ellipsoidal CGCS2000'],
  'close': ['关闭', 'Close'],
  'copy': ['复制 JSON', 'Copy JSON'],
  'copied': ['已复制', 'Copied'],
  'copy.failed': ['浏览器不允许复制', 'The browser does not allow copying'],
  'download': ['下载 CSV', 'Download CSV'],
  'retry': ['重试', 'Try again'],
  'reload': ['刷新', 'Reload'],
  'loading': ['正在读取…', 'Loading…'],
  'map.label': ['地图', 'Map'],
  'lang.switch': ['EN：切换到英文 / Switch to English', 'Switch to Chinese / 切换到中文'],
  'lang.other': ['EN', '中文'],
  'tools.label': ['地图工具', 'Map tools'],
  'zoom.in': ['放大', 'Zoom in'],
  'zoom.out': ['缩小', 'Zoom out'],
  'zoom.fit': ['全图', 'Whole map'],
  'side.label': ['结果', 'Results'],
  'side.overlay': ['范围统计', 'Area report'],
  'side.analyses': ['专题分析', 'Analyses'],
  'side.dashboard': ['数据看板', 'Dashboard'],
  'dash.open': ['数据看板', 'Dashboard'],
  'side.feature': ['要素信息', 'Feature'],
  'error.network': ['连接不上服务器。', 'The server cannot be reached.'],
  'error.network.do': ['请检查网络，或稍后再试。', 'Check the connection or try again later.'],
  'error.400': ['请求不正确。', 'The request is not right.'],
  'error.401': ['需要登录。', 'You need to log in.'],
  'error.401.do': ['请登录，或输入有效的令牌。', 'Log in, or enter a token that is valid.'],
  'error.403': ['没有这项权限。', 'This is not allowed.'],
  'error.policy': ['本版本的数据政策不允许这项查询。', 'The policy of this edition does not allow this query.'],
  'error.404': ['没有找到。', 'Not found.'],
  'error.410': ['这一版数据已不再保留，请刷新页面。', 'This generation is no longer kept; reload the page.'],
  'error.413': ['图形或请求太大，请缩小范围。', 'The shape or request is too large; make it smaller.'],
  'error.422': ['图形无法计算。', 'The shape cannot be measured.'],
  'error.429': ['请求太频繁，请 {s} 秒后再试。', 'Too many requests; try again in {s} seconds.'],
  'error.500': ['服务器内部出错。', 'Something went wrong in the server.'],
  'error.501': ['服务器还没有这项功能。', 'The server does not have this yet.'],
  'error.timeout': ['计算超过时限，请缩小范围。', 'The calculation took longer than the limit; make the shape smaller.'],
  'error.503': ['服务器正在准备数据，请 {s} 秒后再试。', 'The server is getting ready; try again in {s} seconds.'],
  'error.answer': ['服务器的回答无法读取。', 'The answer of the server cannot be read.'],
  'error.tier': ['这台服务器不提供{tier}。', 'This server does not serve the {tier}.'],
  'may.not': ['当前身份没有“{operation}”的权限，这一部分没有打开。', 'You may not use this here: it needs the right to “{operation}”, so it was not opened.'],
  'error.webgl': ['浏览器没有启用 WebGL2，无法显示地图。', 'The browser has no WebGL2, so the map cannot be drawn.'],
  'file.left': ['没有收下 {name}：这里没有地图，不能统计。', '{name} was not kept: there is no map here to measure it on.'],
  'error.tiles': ['部分地图没有载入。', 'Part of the map could not be loaded.'],
  'error.tiles.away': ['服务器没有回应，恢复后地图会自动补上。', 'The server does not answer; the map fills in once it is back.'],
  'error.tiles.back': ['服务器已恢复，地图已补上。', 'The server and the map are back.'],
  'zone.name': ['{width}° {number} 带', '{width}° zone {number}'],
  'zone.title': ['{width}° {number} 带 中央经线 {meridian}°', '{width}° zone {number}, central meridian {meridian}°'],
} as const;

declare module './core/words' {
  interface Lists {
    common: typeof common; ask: typeof askWords; compare: typeof compareWords; edition: typeof editionWords; feature: typeof featureWords; find: typeof findWords; map: typeof mapWords; print: typeof printWords;
    // Rooms that are loaded when they are asked for add their own texts.
    analyses: typeof analysesWords; charts: typeof chartWords; dashboard: typeof dashboardWords; files: typeof fileWords; share: typeof shareWords;
  }
}

for (const list of [common, askWords, compareWords, editionWords, featureWords, findWords, mapWords, printWords]) addWords(list);
