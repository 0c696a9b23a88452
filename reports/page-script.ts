/**
 * The page's one script. Without it the report is whole: it only copies the command and, on demand, draws the charts
 * anew so that they answer a pointer. Vega stands in a block that no browser runs until then.
 */
export function pageScript(evaluator: string): string {
  return `(function () {
'use strict';
var evaluator;
function vegaOnce() {
  if (!window.vega) {
    var script = document.createElement('script');
    script.textContent = document.getElementById('vega-runtime').textContent;
    document.head.appendChild(script);
    evaluator = ${evaluator};
  }
  return window.vega;
}

function unpacked(data) {
  return Array.from({ length: data.rows }, function (_, row) {
    var unpackedRow = {};
    Object.keys(data.columns).forEach(function (field) {
      var column = data.columns[field];
      unpackedRow[field] = Array.isArray(column) ? column[row] : column.all;
    });
    return unpackedRow;
  });
}

function explore(figure, tip) {
  var vega = vegaOnce();
  var page = JSON.parse(document.getElementById('charts').textContent);
  figure.querySelectorAll('[data-chart]').forEach(function (drawing) {
    var chart = page.charts[Number(drawing.dataset.chart)];
    var host = document.createElement('div');
    host.className = 'live';
    var view = new vega.View(vega.parse(page.specs[chart.kind]), { renderer: 'svg', expr: evaluator, logLevel: vega.Error });
    var padding = view.padding();
    function fit() { view.width(Math.max(120, drawing.clientWidth - padding.left - padding.right)); }
    fit();
    view.height(chart.height);
    Object.keys(chart.signals).forEach(function (name) { view.signal(name, chart.signals[name]); });
    Object.keys(chart.data).forEach(function (name) { view.data(name, unpacked(chart.data[name])); });
    if (chart.near) view.data('near', unpacked(chart.data[chart.near]));
    view.tooltip(function (handler, event, item, value) { show(tip, event, value); });
    view.initialize(host).hover().run();
    drawing.classList.add('explored');
    drawing.appendChild(host);
    new ResizeObserver(function () { fit(); view.runAsync(); }).observe(drawing);
  });
}

function show(tip, event, value) {
  tip.hidden = value === null || value === undefined || value === '';
  if (tip.hidden) return;
  tip.textContent = String(value);
  var room = document.documentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = Math.max(8, Math.min(event.clientX + 14, room)) + 'px';
  tip.style.top = Math.max(8, event.clientY - tip.offsetHeight - 12) + 'px';
}

var tip = document.createElement('div');
tip.className = 'tip';
tip.hidden = true;
document.body.appendChild(tip);
document.addEventListener('scroll', function () { tip.hidden = true; }, { passive: true });

document.querySelectorAll('button.explore').forEach(function (button) {
  button.hidden = false;
  button.addEventListener('click', function () {
    try {
      explore(button.closest('figure'), tip);
      button.textContent = 'Point at the chart';
    } catch (error) {
      button.textContent = 'Only the still chart is available here';
    }
    button.disabled = true;
  });
});

document.querySelectorAll('button.copy').forEach(function (button) {
  button.hidden = false;
  button.addEventListener('click', function () {
    var command = button.parentElement.querySelector('code');
    function selected() {
      getSelection().selectAllChildren(command);
      button.textContent = 'Selected';
    }
    if (!navigator.clipboard) return selected();
    navigator.clipboard.writeText(command.textContent).then(function () { button.textContent = 'Copied'; }, selected);
  });
});
})();
`;
}
