// What is typed into the forms of a page outlives the session: it is kept in this tab from sending on, and comes back
// once the same person has signed in again. And who sits still for long is told before the session ends.
(() => {
  'use strict';

  const KEPT = 'fairdial-typed';
  const { user, idle } = document.documentElement.dataset;
  const isText = (field) => field.name && !field.disabled && field.type !== 'password' && field.type !== 'hidden' && field.type !== 'file';
  const fieldsOf = (form) => [...form.elements].filter(isText);
  const formAt = (action) => [...document.forms].find((form) => form.getAttribute('action') === action);

  function read() {
    try { return JSON.parse(sessionStorage.getItem(KEPT)); } catch { return null; }
  }
  function keep(typed) {
    try { sessionStorage.setItem(KEPT, JSON.stringify(typed)); } catch { /* full or forbidden: the page works without */ }
  }
  function forget() {
    try { sessionStorage.removeItem(KEPT); } catch { /* forbidden: nothing was kept */ }
  }

  document.addEventListener('submit', ({ target: form }) => {
    if (!user || form.method !== 'post' || form.matches('[hx-post]')) return;
    const values = fieldsOf(form).map((field) => ({ name: field.name, value: field.value, checked: field.checked }));
    if (values.length) keep({ user, path: location.pathname, action: form.getAttribute('action'), values });
  });

  // Only the sign-in page in between says that it was not taken: a form that was leads elsewhere, or comes back empty.
  const typed = read();
  if (user) forget();
  const cameFrom = document.referrer ? new URL(document.referrer).pathname : '';
  if (typed && cameFrom === '/login' && typed.user === user && typed.path === location.pathname) {
    const form = formAt(typed.action);
    const fields = form ? fieldsOf(form) : [];
    for (const [at, { name, value, checked }] of typed.values.entries()) {
      const field = fields[at];
      if (field?.name !== name) continue;
      if (field.type === 'checkbox' || field.type === 'radio') field.checked = checked;
      else field.value = value;
      field.closest('details')?.setAttribute('open', '');
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }
    if (fields.length) tell('You are signed in again. What you typed is back, and not sent yet.');
  }

  function tell(words, button) {
    const region = document.getElementById('flash');
    if (!region) return;
    region.className = 'flash warn';
    region.setAttribute('role', 'status');
    region.replaceChildren(words, ...(button ? [' ', button] : []));
  }

  // ---- two minutes before a session ends by sitting still
  let timer = 0;
  function wait() {
    clearTimeout(timer);
    if (Number(idle) > 240) timer = setTimeout(warn, (Number(idle) - 120) * 1000);
  }
  function warn() {
    const stay = document.createElement('button');
    stay.className = 'btn small';
    stay.textContent = 'Stay signed in';
    stay.addEventListener('click', async () => {
      const answer = await fetch('/account', { redirect: 'manual' }).catch(() => null);
      tell(answer?.ok ? 'You stay signed in.' : 'You are signed out. What you typed is still here: sign in in another tab.');
      if (answer?.ok) wait();
    });
    tell('You will be signed out in two minutes.', stay);
  }
  if (user) wait();
  document.addEventListener('htmx:after:request', wait);
})();
