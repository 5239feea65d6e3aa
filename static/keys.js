// The keys of lists, of the panel over them and of the review queue. Without them all work by their links and forms.
(() => {
  'use strict';

  const one = (selector, root = document) => root.querySelector(selector);
  const player = () => window.fairdialPlayer;
  const isReview = () => document.body.classList.contains('focus');
  const panel = () => one('#details-panel');
  // A field that takes text, or a list to choose from; a radio or box takes none.
  const isField = (element) => element.matches('textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])');
  const takesSpace = (element) => element.closest('button, summary, input, select, textarea, audio, video') !== null;
  const takesArrows = (element) => element.matches('input, select, textarea, audio, video') || element.closest('.region, .body[tabindex]') === element;

  // ---- the rows of a list
  const row = () => document.activeElement.closest('main tr[data-id]') ?? one('main tr[aria-current]');
  const link = (row) => one('a.hit', row) ?? one('a', row);

  function step(by) {
    const beside = by > 0 ? '[rel=next]' : '[rel=prev]';
    const opened = isReview() ? one('#main .title') : panel();
    if (opened) return one(beside, opened)?.click();
    const rows = [...document.querySelectorAll('main .table tbody tr[data-id]')];
    const at = rows.indexOf(row());
    const next = at < 0 ? rows.at(by > 0 ? 0 : -1) : rows[at + by];
    if (next) link(next)?.focus();
  }

  function open() {
    const here = row();
    if (here && !panel()) link(here)?.click();
  }

  function pick() {
    const here = row();
    if (here && !panel()) one('.pick input', here)?.click();
  }

  // ---- the form of a decision: it is opened, and sent by nothing but its button
  let wanted = null; // chosen in the list, while the panel comes
  function choose(verdict) {
    const radio = one(`.decide [name=verdict][value=${verdict}]`);
    if (!radio) {
      if (row() && !panel() && !isReview()) {
        wanted = verdict;
        open();
      }
      return;
    }
    radio.checked = true;
    radio.dispatchEvent(new Event('input', { bubbles: true }));
    const field = one(verdict === 'accepted_partial' ? '.decide [name=credit]' : '.decide [name=note]');
    field.focus();
    field.select?.();
  }
  document.addEventListener('htmx:after:swap', () => {
    if (!wanted || !panel()) return;
    const verdict = wanted;
    wanted = null;
    if (one('.decide', panel())) choose(verdict);
  });

  // ---- the list of keys: the review queue brings its own; elsewhere it is made when it is asked for
  const ofEverybody = [['j k', 'Next, previous'], ['o Enter', 'Open the row']];
  const ofDeciders = [['x', 'Select the row'], ['a', 'Accept: opens the form'], ['p', 'Accept Partial: opens the form'], ['r', 'Reject: opens the form']];
  const ofAll = [['e', 'Evidence'], ['/', 'Search'], ['Ctrl Enter', 'Send the form'], ['Esc', 'Leave a field, close the details'], ['?', 'This list']];
  function help() {
    if (!one('#keys')) {
      const known = [...ofEverybody, ...(one('#bulk, #decide') ? ofDeciders : []), ...ofAll];
      const lines = known.map(([keys, what]) => `<div><dt><kbd>${keys.replace(' ', '</kbd> <kbd>')}</kbd></dt><dd>${what}</dd></div>`);
      document.body.insertAdjacentHTML('beforeend', `<dialog class="confirm" id="keys" popover aria-labelledby="keys-h">
        <h2 id="keys-h">Keys of lists and disputes</h2><dl class="keymap">${lines.join('')}</dl>
        <p class="sub">No key does anything while you type. <a href="/account#keys">Switch them off in Account</a>.</p>
        <div class="acts"><button class="btn" type="button" popovertarget="keys" popovertargetaction="hide" autofocus>Close</button></div></dialog>`);
    }
    one('#keys').togglePopover?.();
  }

  const keys = {
    a: () => choose('accepted'),
    p: () => choose('accepted_partial'),
    r: () => choose('rejected'),
    e: () => one('#evidence a')?.focus(),
    j: () => step(1),
    k: () => step(-1),
    '?': help,
  };
  const ofLists = { o: open, x: pick };
  const ofReview = {
    ' ': () => player()?.toggle(),
    ArrowLeft: () => player()?.skip(-5),
    ArrowRight: () => player()?.skip(5),
    '<': () => player()?.speed(-1),
    '>': () => player()?.speed(1),
  };

  document.addEventListener('keydown', (event) => {
    if (!('shortcuts' in document.documentElement.dataset) || event.defaultPrevented || event.altKey) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      // From within the form it is sent as every form is.
      const form = one('form.decide');
      if (!form || target.closest('form') || !form.querySelector('[name=verdict]:checked')) return;
      event.preventDefault();
      form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.isComposing) return;
    if (isField(target)) {
      if (event.key === 'Escape') target.blur();
      return;
    }
    const known = { ...keys, ...(isReview() ? ofReview : ofLists) };
    if (!Object.hasOwn(known, event.key)) return;
    if (one(':popover-open') && event.key !== '?') return;
    if ((event.key === ' ' && takesSpace(target)) || (event.key.startsWith('Arrow') && takesArrows(target))) return;
    event.preventDefault();
    known[event.key]();
  });
})();
