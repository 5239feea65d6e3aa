// What htmx doesn't do. Every page works without this file; each part below stands alone.
(() => {
  'use strict';

  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (name, selector, run) => document.addEventListener(name, (event) => {
    const element = event.target instanceof Element && event.target.closest(selector);
    if (element) run(event, element);
  });
  const isTyping = (element) => element instanceof Element && element.matches('input, textarea, select, [contenteditable]');

  // ---- theme: at once, and kept by the server
  on('click', 'button[name=theme]', (event, button) => {
    event.preventDefault();
    document.documentElement.dataset.theme = button.value;
    for (const other of all('button[name=theme]')) other.setAttribute('aria-pressed', String(other === button));
    fetch(button.form.action, { method: 'POST', body: new URLSearchParams({ theme: button.value }), redirect: 'manual' }).catch(() => {});
  });

  // ---- copy: the stored number, not the way it is shown
  on('dblclick', '.copy', (event, element) => {
    navigator.clipboard?.writeText(element.title || element.textContent).then(() => say('Copied.'), () => {});
  });
  document.addEventListener('copy', (event) => {
    const selection = document.getSelection();
    const element = selection.anchorNode?.parentElement?.closest('.copy');
    if (!element?.title || selection.toString().trim() !== element.textContent.trim()) return;
    event.clipboardData.setData('text/plain', element.title);
    event.preventDefault();
  });

  function say(words) {
    const region = one('#flash');
    if (!region) return;
    region.className = 'flash';
    region.setAttribute('role', 'status');
    region.textContent = words;
  }

  // ---- menus where the browser has no popover
  if (!('popover' in HTMLElement.prototype)) {
    for (const menu of all('.menu[popover]')) menu.hidden = true;
    on('click', '[popovertarget]', (event, button) => {
      const menu = document.getElementById(button.getAttribute('popovertarget'));
      if (menu) menu.hidden = !menu.hidden;
    });
  }

  // ---- keys
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) return sendForm(event);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return escape(event);
    const shortcuts = 'shortcuts' in document.documentElement.dataset;
    if (event.key === '/' && shortcuts && !isTyping(event.target)) focusSearch(event);
  });

  function sendForm(event) {
    const form = event.target.closest?.('form');
    if (!form || form.method === 'get') return;
    event.preventDefault();
    form.requestSubmit(one('button.main:not([type=button])', form) || undefined);
  }

  function focusSearch(event) {
    const search = one('input[type=search]');
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  }

  function escape(event) {
    if (one(':popover-open') || !panel()) return;
    event.preventDefault();
    // What is being typed isn't thrown away: the first press leaves the field.
    if (isTyping(event.target) && panel().contains(event.target)) return leaveField();
    closePanel();
  }

  function leaveField() {
    const heading = one('h2, h1', panel());
    heading?.setAttribute('tabindex', '-1');
    heading?.focus();
  }

  // ---- the panel over the table
  const panel = () => one('#panel-slot > #details-panel');
  let opener = null; // id of the row, so that it is found again after the table was swapped
  let listUrl = null;

  document.addEventListener('htmx:before:request', (event) => {
    const { ctx } = event.detail;
    if (ctx?.target?.id !== 'panel-slot' || panel()) return;
    opener = ctx.sourceElement?.closest('[data-id]')?.dataset.id ?? null;
    listUrl = location.pathname + location.search;
  });

  document.addEventListener('htmx:after:swap', () => {
    attend();
    guardForms();
    showFigures();
    restorePicked();
    nameProblems();
    const done = one('#panel-slot > [data-decided]');
    if (done) return goOn(done);
    focusWanted();
    const open = panel();
    if (open && !open.dataset.seen) {
      open.dataset.seen = '1';
      open.show && !open.open && open.show();
      const heading = one('.summary', open) || one('h2, h1', open);
      heading?.setAttribute('tabindex', '-1');
      heading?.focus();
      markRow(location.pathname.split('/')[2]);
    } else {
      one('.summary[autofocus]')?.focus();
    }
    if (open) markRow(location.pathname.split('/')[2]); // the table behind it may be another now
  });

  on('click', '#details-panel a[aria-label=Close], #details-panel [data-close]', (event) => {
    if (!listUrl || event.ctrlKey || event.metaKey || event.shiftKey) return; // opened as a page: the link leads to the list
    event.preventDefault();
    event.stopImmediatePropagation();
    closePanel();
  });

  // Closing changes only the slot and the address; the table, its scroll and selection stay.
  function closePanel() {
    const link = one('#details-panel a[aria-label=Close]');
    if (!listUrl) return link?.click();
    history.pushState({ htmx: true }, '', listUrl);
    emptySlot();
  }

  function emptySlot() {
    panel()?.remove();
    nameProblems();
    attend();
    markRow(null);
    listUrl = null;
    const row = opener && one(`[data-id="${CSS.escape(opener)}"]`);
    if (row) (one('a.hit', row) || one('a', row))?.focus();
    opener = null;
  }

  // After a decision: the list keeps its place, and its next Pending row has the focus, also when its rows come anew.
  let wantedRow = null;
  function goOn(done) {
    wantedRow = done.dataset.next;
    done.remove();
    attend();
    markRow(null);
    listUrl = opener = null;
    focusWanted();
    document.dispatchEvent(new CustomEvent('fairdial:changed'));
    setTimeout(() => { wantedRow = null; }, 3000);
  }
  function focusWanted() {
    if (wantedRow === null || (document.activeElement !== document.body && !document.activeElement.closest('#disputes-region'))) return;
    const row = wantedRow && one(`tr[data-id="${CSS.escape(wantedRow)}"]`);
    const target = row ? one('a.hit', row) || one('a', row) : one('#disputes-region');
    if (target !== document.activeElement) target?.focus();
  }

  // What needs attention is said in the title, which is read first; without it the title is the page's own.
  function nameProblems() {
    const name = document.title.replace(/^Error: /, '');
    document.title = one('.summary, [aria-invalid=true]') ? `Error: ${name}` : name;
  }

  function markRow(id) {
    for (const row of all('tr[aria-current]')) row.removeAttribute('aria-current');
    if (id) one(`tr[data-id="${CSS.escape(id)}"]`)?.setAttribute('aria-current', 'true');
  }

  // Back from the panel to the table it lies over needs no request.
  document.addEventListener('htmx:before:history:restore', (event) => {
    if (!panel() || event.detail.path !== listUrl) return;
    event.preventDefault();
    emptySlot();
  });

  // ---- table settings: a column goes one place up, and Save keeps it there; without script each step is saved
  on('click', '#columns [name=earlier]', (event, button) => {
    const line = button.closest('.choice');
    const above = line.previousElementSibling;
    event.preventDefault();
    if (!above?.matches('.choice')) return;
    above.before(line);
    button.focus();
    say(`${line.textContent.trim()} is before ${above.textContent.trim()}. Save columns keeps it so.`);
  });

  // ---- selection: it lasts from page to page of the same filters, and the verbs carry the number
  const picked = new Set();
  let pickedAt = null; // the filters and the page of the last look, and the rows that stood there
  const boxes = () => all('tbody .pick input');

  function whereNow() {
    const list = one('#bulk [name=matching]')?.value;
    if (list === undefined) return null;
    const filters = new URLSearchParams(list);
    for (const name of ['after', 'before', 'sort', 'per_page', 'columns', 'tz']) filters.delete(name);
    return { filters: filters.toString(), list, rows: boxes().map((box) => box.value) };
  }

  // Other filters are another selection; and what left this page by being decided is selected no more.
  function restorePicked() {
    const now = whereNow();
    if (!now) return;
    if (pickedAt?.filters !== now.filters) picked.clear();
    else if (pickedAt.list === now.list) for (const row of pickedAt.rows) if (!now.rows.includes(row)) picked.delete(row);
    if (pickedAt) for (const box of boxes()) box.checked = picked.has(box.value);
    pickedAt = now;
    countPicked();
  }

  on('change', '[data-pick-all]', (event, all_of_them) => {
    for (const box of boxes()) box.checked = all_of_them.checked;
    countPicked();
  });
  on('change', 'tbody .pick input', countPicked);
  document.addEventListener('reset', (event) => {
    if (event.target.id !== 'bulk') return;
    picked.clear();
    setTimeout(countPicked);
  });
  function countPicked() {
    const here = boxes();
    for (const box of here) box.checked ? picked.add(box.value) : picked.delete(box.value);
    const on_page = here.filter((box) => box.checked).length;
    const elsewhere = [...picked].filter((id) => !here.some((box) => box.value === id));
    const form = one('#bulk');
    for (const field of all('[data-elsewhere]', form ?? document)) field.remove();
    for (const id of elsewhere) form?.append(element('input', { type: 'hidden', name: 'dispute', value: id, 'data-elsewhere': '' }));
    for (const place of all('#bulk [data-count]')) place.textContent = picked.size ? ` ${picked.size}` : '';
    const said = one('#bulk [data-selected]');
    if (said) said.textContent = `${on_page} selected on this page${elsewhere.length ? `, ${elsewhere.length} on others` : ''}`;
    const whole = one('[data-pick-all]');
    if (!whole) return;
    whole.checked = on_page > 0 && on_page === here.length;
    whole.indeterminate = on_page > 0 && on_page < here.length;
  }

  // ---- bulk: another verdict has other totals
  on('change', '#plan input[type=radio]', (event, radio) => radio.form.requestSubmit());

  // ---- canned notes: where the cursor stands
  on('click', '[data-insert]', (event, button) => {
    const note = one('textarea[name=note]', button.closest('form'));
    note.setRangeText(button.dataset.insert, note.selectionStart, note.selectionEnd, 'end');
    button.closest('[popover]')?.hidePopover?.();
    note.focus();
  });

  // ---- and the other way round: what is typed becomes one, in a tab of its own
  on('click', '[data-keep-note]', (event, button) => {
    const note = one('textarea[name=note]', button.closest('form'));
    if (!note.value.trim()) return note.focus();
    const form = element('form', { method: 'post', action: button.dataset.keepNote, target: '_blank', hidden: '' });
    form.append(element('textarea', { name: 'note' }));
    form.firstChild.value = note.value;
    document.body.append(form);
    form.submit();
    form.remove();
  });

  // ---- decision: what it does, in whole minor units; the server reckons again
  on('input', '.decide[data-payout]', (event, form) => {
    if (event.target.name === 'clawback') form.dataset.touched = event.target.value ? '1' : '';
    showFigure(form);
  });
  function showFigures() {
    for (const form of all('form.decide[data-payout]:not([data-seen])')) {
      form.dataset.seen = '1';
      const typed = minorOf(one('[name=clawback]', form).value, form);
      if (typed !== null && typed !== figure(form).proposed) form.dataset.touched = '1';
      showFigure(form);
    }
  }

  function figure(form) {
    const verdict = one('[name=verdict]:checked', form)?.value;
    const payout = BigInt(form.dataset.payout);
    const publisher = form.dataset.publisher ? BigInt(form.dataset.publisher) : 0n;
    let credit = verdict === 'accepted' ? payout : null;
    if (verdict === 'accepted_partial') credit = minorOf(one('[name=credit]', form).value, form);
    if (credit !== null && (credit <= 0n || credit > payout || (credit === payout && verdict !== 'accepted'))) credit = null;
    return { verdict, payout, publisher, credit, proposed: credit === null ? null : share(publisher, credit, payout) };
  }

  function showFigure(form) {
    const { verdict, payout, publisher, credit, proposed } = figure(form);
    const clawback = one('[name=clawback]', form);
    // What doesn't belong to the verdict isn't sent, and comes back with it.
    one('[name=credit]', form).disabled = verdict !== undefined && verdict !== 'accepted_partial';
    clawback.disabled = verdict === 'rejected';
    if (!form.dataset.touched && publisher > 0n) clawback.value = proposed === null ? '' : plain(proposed, form);
    let taken = clawback.value ? minorOf(clawback.value, form) : proposed;
    if (taken !== null && taken > publisher) taken = null;
    const say = (selector, amount) => {
      const output = one(selector, form);
      if (output) output.textContent = amount === null ? '' : money(amount, form);
    };
    say('[data-remains]', credit === null ? null : payout - credit);
    say('[data-publisher-remains]', taken === null || credit === null ? null : publisher - taken);
    const hint = one('[data-proposed]', form);
    if (hint) hint.textContent = proposed === null ? `At most ${money(publisher, form)}` : `Proposed: ${money(proposed, form)}`;
  }

  // "1,030.30" as 103030n; null for what the server would refuse.
  function minorOf(text, { dataset }) {
    const digits = Number(dataset.digits);
    const found = /^(\d+|\d{1,3}(?:,\d{3})+)?(?:\.(\d+))?$/.exec(text.trim().replace(dataset.sign.trim(), ''));
    if (!found || (!found[1] && !found[2]) || (found[2] ?? '').length > digits) return null;
    return BigInt((found[1] ?? '').replaceAll(',', '') + (found[2] ?? '').padEnd(digits, '0') || '0');
  }
  function plain(minor, { dataset }) {
    const digits = Number(dataset.digits);
    const text = String(minor).padStart(digits + 1, '0');
    return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
  }
  function money(minor, form) {
    const [whole, fraction] = plain(minor, form).split('.');
    return form.dataset.sign + whole.replace(/\B(?=(\d{3})+$)/g, ',') + (fraction ? `.${fraction}` : '');
  }
  // amount × part ÷ whole, half to even.
  function share(amount, part, whole) {
    const floor = (amount * part) / whole;
    const twice = ((amount * part) % whole) * 2n;
    return twice > whole || (twice === whole && floor % 2n === 1n) ? floor + 1n : floor;
  }

  // ---- live counts
  let stream = null;
  let changed = null;

  function showCounts({ pending, unread, changed: now }) {
    const badge = one('#pending-count');
    if (badge && Number.isInteger(pending)) {
      badge.textContent = String(pending);
      badge.title = `${pending} Pending`;
      badge.hidden = pending === 0;
    }
    const view = one('#view-pending');
    if (view && Number.isInteger(pending)) view.textContent = pending.toLocaleString('en-US');
    const bell = one('#bell');
    if (bell && Number.isInteger(unread)) {
      const count = one('.count', bell);
      // The server counts no further.
      const words = unread < 100 ? String(unread) : '99+';
      count.textContent = words;
      count.hidden = unread === 0;
      bell.setAttribute('aria-label', unread ? `Notifications, ${words} unread` : 'Notifications');
    }
    if (now !== undefined && changed !== null && now !== changed) {
      document.dispatchEvent(new CustomEvent('fairdial:changed', { detail: now }));
    }
    if (now !== undefined) changed = now;
  }

  function listen() {
    if (stream || document.hidden || !one('#bell')) return;
    stream = new EventSource('/events');
    stream.addEventListener('here', (event) => {
      try { showOthers(JSON.parse(event.data)); } catch { /* a cut line; the next one is whole */ }
    });
    stream.addEventListener('counts', (event) => {
      try { showCounts(JSON.parse(event.data)); } catch { /* a cut line; the next one is whole */ }
    });
  }

  document.addEventListener('visibilitychange', async () => {
    if (document.hidden) {
      stream?.close();
      stream = null;
      return;
    }
    listen();
    if (!one('#pending-count')) return;
    try {
      const answer = await fetch('/pending-count', { redirect: 'error' });
      if (!answer.ok) return;
      const digits = new DOMParser().parseFromString(await answer.text(), 'text/html').body.textContent.trim();
      if (/^\d+$/.test(digits)) showCounts({ pending: Number(digits) });
    } catch { /* offline; the stream tries again */ }
  });
  window.addEventListener('pagehide', () => { stream?.close(); stream = null; });
  window.addEventListener('pageshow', listen);

  // ---- who else is on it: a page that is seen says so now and then; what others say comes with the stream
  const OFTEN = 20_000;
  let attended = null;
  let isWriting = false;

  function attend() {
    const path = one('[data-presence]')?.dataset.presence ?? null;
    if (path === attended) return;
    if (attended) announce(attended, { leave: '1' });
    attended = path;
    isWriting = false;
    stay();
  }
  function stay() {
    if (attended && !document.hidden) announce(attended, isWriting ? { writing: '1' } : {});
  }
  function announce(path, fields) {
    fetch(path, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual', keepalive: true }).catch(() => {});
  }
  on('input', 'form.decide', () => {
    if (isWriting || !attended) return;
    isWriting = true;
    stay();
  });
  setInterval(stay, OFTEN);
  document.addEventListener('visibilitychange', stay);
  window.addEventListener('pagehide', () => {
    if (attended) navigator.sendBeacon(attended, new URLSearchParams({ leave: '1' }));
    attended = null;
  });
  window.addEventListener('pageshow', attend);

  function showOthers(here) {
    for (const place of all('[data-others]')) {
      const row = place.closest('tr');
      const words = here[row?.dataset.id ?? place.dataset.others]?.[row ? 'row' : 'panel'] ?? '';
      // What is there already isn't said twice.
      if (place.innerHTML !== words) place.innerHTML = words;
    }
  }

  // ---- evidence: each file by itself, so that one failure costs one file
  const uploadForm = (element) => element.closest('form[data-upload-url]');

  on('change', 'form[data-upload-url] input[type=file]', (event, input) => {
    takeFiles(uploadForm(input), [...input.files]);
    input.value = '';
  });
  on('dragover', 'form[data-upload-url]', (event) => { if (event.dataTransfer.types.includes('Files')) event.preventDefault(); });
  on('drop', 'form[data-upload-url]', (event, form) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    takeFiles(form, [...event.dataTransfer.files]);
  });
  on('paste', 'form[data-upload-url]', (event, form) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    takeFiles(form, [...event.clipboardData.files]);
  });
  on('click', '.files [data-remove]', (event, button) => {
    const form = uploadForm(button);
    if (!form) return;
    event.preventDefault();
    const next = one('input[type=file]', form);
    if (!button.hasAttribute('formaction')) {
      button.closest('li').remove();
      return next?.focus();
    }
    button.disabled = true;
    fetch(button.formAction, { method: 'POST', headers: { 'HX-Request': 'true' }, body: new URLSearchParams(), redirect: 'manual' }).then((answer) => {
      // A file of a draft is answered with a redirect, which is as good; one that has gone already is gone.
      if (!answer.ok && answer.type !== 'opaqueredirect' && answer.status !== 404) throw new Error(String(answer.status));
      button.closest('li').remove();
      next?.focus();
    }).catch(() => {
      button.disabled = false;
      say('The file could not be removed. Try again.');
    });
  });

  // What the server would refuse is told before anything is sent; the server asks again.
  function takeFiles(form, files) {
    const list = one('.files', form);
    if (!list) return;
    const most = Number(form.dataset.maxFiles);
    const largest = Number(form.dataset.maxBytes);
    for (const file of files) {
      const count = all('li', list).filter((item) => !one('.problem', item)).length;
      if (count >= most) refuse(list, file, `A dispute can have at most ${most} files.`);
      else if (file.size === 0) refuse(list, file, 'It is empty.');
      else if (file.size > largest) refuse(list, file, `It is larger than ${sizeOf(largest)}.`);
      else send(form, list, file);
    }
  }

  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  function icon(list, name) {
    const sprite = one('.drop use', uploadForm(list)).getAttribute('href').split('#')[0];
    const made = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    made.setAttribute('class', 'icon');
    made.setAttribute('aria-hidden', 'true');
    made.append(document.createElementNS('http://www.w3.org/2000/svg', 'use'));
    made.firstChild.setAttribute('href', `${sprite}#${name}`);
    return made;
  }
  const iconOf = (file) => ({ image: 'image', audio: 'audio' })[file.type.split('/')[0]] ?? 'file';
  const sizeOf = (bytes) => (bytes < 1024 ? `${bytes} bytes` : bytes < 1048576 ? `${Math.floor(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1).replace('.0', '')} MB`);
  const removeButton = (list, file) =>
    element('button', { class: 'btn small only quiet', type: 'button', 'data-remove': '', 'aria-label': `Remove ${file.name}`, title: 'Remove' }, icon(list, 'close'));

  function refuse(list, file, reason) {
    const acts = element('span', { class: 'acts' }, removeButton(list, file));
    list.append(element('li', {}, icon(list, iconOf(file)), element('b', { title: file.name }, file.name), acts, element('p', { class: 'problem', role: 'alert' }, reason)));
  }

  function send(form, list, file, item = element('li', {})) {
    const request = new XMLHttpRequest();
    let sent = 0;
    const size = element('span', { class: 'muted' }, sizeOf(file.size));
    const cancel = element('button', { class: 'btn small only quiet', type: 'button', 'aria-label': `Cancel ${file.name}`, title: 'Cancel' }, icon(list, 'close'));
    const progress = element('progress', { value: '0', max: '100', 'aria-label': `Sending ${file.name}` });
    item.replaceChildren(icon(list, iconOf(file)), element('b', { title: file.name }, file.name), element('span', { class: 'acts' }, size, cancel), progress);
    if (!item.isConnected) list.append(item);
    item.dataset.sending = '1';
    cancel.addEventListener('click', () => {
      request.abort();
      item.remove();
      one('input[type=file]', form).focus();
    });
    request.upload.addEventListener('progress', (event) => {
      if (!event.lengthComputable) return;
      sent = Math.min(event.loaded, file.size);
      progress.value = (event.loaded / event.total) * 100;
      size.textContent = `${sizeOf(sent)} of ${sizeOf(file.size)}`;
    });
    request.addEventListener('load', () => {
      delete item.dataset.sending;
      const kept = request.status === 201 && new DOMParser().parseFromString(request.responseText, 'text/html').querySelector('li');
      if (kept) item.replaceWith(document.adoptNode(kept));
      else failed(form, list, file, item, whyNot(request), ![413, 422].includes(request.status));
    });
    request.addEventListener('error', () => failed(form, list, file, item, `The connection broke off at ${sizeOf(sent)} of ${sizeOf(file.size)}.`));
    const body = new FormData();
    body.append('evidence', file);
    request.open('POST', form.dataset.uploadUrl);
    for (const [name, value] of [['HX-Request', 'true'], ['HX-Request-Type', 'partial']]) request.setRequestHeader(name, value);
    request.send(body);
  }

  // A refusal is one plain sentence; other failures come as the status region would show them.
  function whyNot(request) {
    if (request.getResponseHeader('Content-Type')?.startsWith('text/plain')) return request.responseText;
    if (request.getResponseHeader('HX-Redirect')) return 'You are signed out. Sign in in another tab, then try again.';
    const page = new DOMParser().parseFromString(request.responseText, 'text/html');
    return page.querySelector('#flash')?.textContent.replace(/\s+/g, ' ').trim() || 'The server could not take it. Try again.';
  }

  // What the bytes are can't be mended by sending them again; everything else is worth another try.
  function failed(form, list, file, item, reason, isWorthRetrying = true) {
    delete item.dataset.sending;
    const retry = element('button', { class: 'btn small', type: 'button', 'aria-label': `Retry ${file.name}` }, icon(list, 'refresh'), 'Retry');
    retry.addEventListener('click', () => {
      send(form, list, file, item);
      one('[aria-label^=Cancel]', item).focus();
    });
    one('.acts', item).replaceChildren(...(isWorthRetrying ? [retry] : []), removeButton(list, file));
    one('progress', item)?.remove();
    item.append(element('p', { class: 'problem', role: 'alert' }, reason));
  }

  // ---- forms: not while a file is under way, and not twice
  function guardForms() {
    for (const form of all('form[data-sent]')) delete form.dataset.sent;
  }
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.method === 'get') return;
    if (one('li[data-sending]', form)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      say('A file is still being sent. Wait for it, or cancel it.');
    } else if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 5000) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else {
      form.dataset.sent = String(Date.now());
    }
  }, true);
  document.addEventListener('htmx:finally:request', guardForms);
  window.addEventListener('pageshow', guardForms);

  // ---- print: the dispute alone, as the style sheet has it
  on('click', '[data-print]', (event) => {
    event.preventDefault();
    window.print();
  });

  // ---- at the start
  showFigures();
  restorePicked();
  one('.summary[autofocus]')?.focus();
  nameProblems();
  listen();
})();
