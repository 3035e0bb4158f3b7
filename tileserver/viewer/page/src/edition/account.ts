// The user's panel: who they are here, what they may ask and until when; entering another
// token, logging in at an issuer, logging out. What a token opens is said when it was
// entered, and its end some minutes before.

import { hasToken, setToken, tier } from '../core/api';
import { greetKey } from '../core/kept';
import { $, h, type Child } from '../core/dom';
import { joined, label, onLang, t } from '../core/i18n';
import { me, nowMs, type Me } from '../core/me';
import { toast } from '../shell/messages';
import { createPanel, facts } from '../shell/panel';
import { logIn } from './issuer';
import { tokenRefused } from './refused';
import { moment, warnBeforeMs } from './time';
import { askToken, keepPlaces } from './token';

// createAccount wires the button at the top. Before anybody is known it asks for a token.
export function createAccount(): { known: () => void } {
  const button = $('token-open');
  let panelled = false;
  button.addEventListener('click', () => { if (!panelled) void change(); });
  return {
    known() {
      const who = me();
      if (!who || panelled) return;
      panelled = true;
      keepPlaces(who.login ?? []);
      createPanel(button, 'me-panel', 'me.title', () => content(who));
      const name = h('span', { class: 'me-name', 'data-testid': 'me-name' });
      button.append(name);
      onLang(() => {
        name.textContent = who.name ?? '';
        label(button, [who.name, t('me.title')].filter(Boolean).join(' · '));
      });
      greet(who);
      warn(who);
    },
  };
}

async function change(): Promise<void> {
  if (await askToken('change')) location.reload();
}

// logOut forgets the token, and ends the session at the issuer where it says how.
function logOut(who: Me): void {
  setToken('');
  sessionStorage.removeItem(greetKey(tier));
  if (who.logout) location.assign(who.logout);
  else location.reload();
}

function content(who: Me): Child {
  return [
    facts([
      [t('me.name'), who.name && h('strong', null, who.name)],
      [t('me.how'), t(`me.how.${who.how}`) + (who.issuer ? ` · ${who.issuer}` : '')],
      [t('tier.label'), t(`tier.${tier}`)],
      [t('me.operations'), operations(who)],
      [t('me.layers'), who.layers ? joined(who.layers) : t('me.all')],
      [t('me.places'), who.places ? joined(who.places) : who.area ?? t('me.all')],
      [t('me.zooms'), zooms(who)],
      [t('me.expires'), who.expires ? moment(Date.parse(who.expires)) : who.how === 'open' ? '' : t('me.never')],
      [t('me.rate'), who.rate === null ? '' : t('me.rate.value', { rate: who.rate, burst: who.burst ?? '' })],
      [t('me.address'), who.address],
    ]),
    tier === 'public' ? null : h('div', { class: 'panel-buttons' },
      ...(who.login ?? []).map((place) => h('button', { type: 'button', 'data-testid': 'me-login', onclick: () => logIn(place) }, t('me.login', { title: place.title }))),
      h('button', { type: 'button', 'data-testid': 'me-change', onclick: () => void change() }, t('me.change')),
      hasToken() && h('button', { type: 'button', 'data-testid': 'me-logout', onclick: () => logOut(who) }, t('me.logout'))),
  ];
}

const operations = (who: Me): string => joined(who.operations.map((o) => t(`operation.${o}`)));

function zooms(who: Me): string {
  if (who.min_zoom === null && who.max_zoom === null) return '';
  return `${who.min_zoom ?? 0}–${who.max_zoom ?? ''}`;
}

// greet says what a token opens, once after it was entered.
function greet(who: Me): void {
  if (!sessionStorage.getItem(greetKey(tier))) return;
  sessionStorage.removeItem(greetKey(tier));
  toast([
    t('me.greet', { name: who.name ?? '', tier: t(`tier.${tier}`), operations: operations(who) }),
    who.layers ? t('me.greet.layers', { layers: joined(who.layers) }) : '',
    who.places || who.area ? t('me.greet.places', { places: who.places ? joined(who.places) : who.area ?? '' }) : '',
    who.expires ? t('me.greet.expires', { time: moment(Date.parse(who.expires)) }) : '',
  ].join(''));
}

// mostMs is the longest that a browser's timer takes.
const mostMs = 3_600_000;

// warn says some minutes before that a token ends, and asks for another when it has.
function warn(who: Me): void {
  if (!who.expires) return;
  const end = Date.parse(who.expires);
  const at = end - warnBeforeMs(end - nowMs());
  let told = false;
  const look = () => {
    const now = nowMs();
    if (now >= end) {
      void tokenRefused('ended');
      return;
    }
    if (now >= at && !told) {
      told = true;
      const place = who.login?.[0];
      toast(t('me.ending', { minutes: Math.max(1, Math.ceil((end - now) / 60_000)) }),
        { label: place && who.how === 'oidc' ? t('me.login', { title: place.title }) : t('me.change'), run: () => { if (place && who.how === 'oidc') logIn(place); else void change(); } });
    }
    setTimeout(look, Math.min(mostMs, Math.max(500, (told ? end : at) - now)));
  };
  look();
}
