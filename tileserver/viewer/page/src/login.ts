// The page on which a login ends: the server has put the token into it. It goes into the
// tab's storage and out of the page, which gives way to the map; it never stands in an
// address.

import { backTo, greetKey, returnKey, tokenKey } from './core/kept';

const main = document.getElementById('login');
const { tier = '', token = '' } = main?.dataset ?? {};
main?.remove();
if (tier && token) {
  sessionStorage.setItem(tokenKey(tier), token);
  sessionStorage.setItem(greetKey(tier), '1');
  const back = sessionStorage.getItem(returnKey(tier));
  sessionStorage.removeItem(returnKey(tier));
  location.replace(backTo(new URL('../', import.meta.url).href, tier, back));
}
