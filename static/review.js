// The keys of the review queue. Without them the page works by its links and form.
(() => {
  'use strict';

  const one = (selector) => document.querySelector(selector);
  const player = () => window.fairdialPlayer;
  // A field that takes text, or a list to choose from; a radio or box takes none.
  const isField = (element) => element.matches('textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])');
  const takesSpace = (element) => element.closest('button, summary, input, select, textarea, audio, video') !== null;
  const takesArrows = (element) => element.matches('input, select, textarea, audio, video') || element.closest('.region, .body[tabindex]') === element;

  function choose(verdict) {
    const radio = one(`.decide [name=verdict][value=${verdict}]`);
    if (!radio) return;
    radio.checked = true;
    radio.dispatchEvent(new Event('input', { bubbles: true }));
    const field = one(verdict === 'accepted_partial' ? '.decide [name=credit]' : '.decide [name=note]');
    field.focus();
    field.select?.();
  }

  const keys = {
    ' ': () => player()?.toggle(),
    ArrowLeft: () => player()?.skip(-5),
    ArrowRight: () => player()?.skip(5),
    '<': () => player()?.speed(-1),
    '>': () => player()?.speed(1),
    a: () => choose('accepted'),
    p: () => choose('accepted_partial'),
    r: () => choose('rejected'),
    e: () => one('#evidence a')?.focus(),
    j: () => one('[data-next]')?.click(),
    k: () => one('[data-previous]')?.click(),
    '?': () => one('#keys')?.togglePopover?.(),
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
    if (!Object.hasOwn(keys, event.key)) return;
    if (one('#keys:popover-open') && event.key !== '?') return;
    if ((event.key === ' ' && takesSpace(target)) || (event.key.startsWith('Arrow') && takesArrows(target))) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
