// The timeline of the audit page: a stacked bar for each span of time. The same numbers stand in a table below it.
import { BarChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A span of less than a minute is told by its seconds, a longer one by its day.
function labels(lang, [first, second = first]) {
  const whole = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const isShort = second - first < 60_000;
  return new Intl.DateTimeFormat(lang, isShort ? { ...whole, second: "2-digit" } : { ...whole, month: "2-digit", day: "2-digit" });
}

function options(table, lang) {
  const rows = [...table.tBodies[0].rows];
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  const starts = rows.map((row) => new Date(row.querySelector("time").dateTime));
  const label = labels(lang, starts);
  const at = starts.map((start) => label.format(start));
  const colours = [colour("--accent"), colour("--bad"), colour("--warn")];
  return {
    aria: { enabled: true, label: { description: table.caption.textContent } },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("--quiet") },
    grid: { left: 8, right: 8, top: 36, bottom: 4, containLabel: true },
    legend: { top: 0, right: 0, textStyle: { color: colour("--quiet") }, itemWidth: 12, itemHeight: 12 },
    // Rich text, not HTML: the page's policy allows no inline style.
    tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" } },
    xAxis: { type: "category", data: at, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("--line") } }, axisLabel: { color: colour("--quiet"), hideOverlap: true } },
    yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: colour("--line") } }, axisLabel: { color: colour("--quiet") } },
    animation: false,
    series: [1, 2, 3].map((column) => ({
      name: names[column],
      type: "bar",
      stack: "events",
      barMaxWidth: 26,
      itemStyle: { color: colours[column - 1] },
      data: rows.map((row) => Number(row.cells[column].textContent)),
    })),
  };
}

const holder = document.querySelector("[data-timeline]");
if (holder) {
  const table = document.getElementById(holder.dataset.timeline);
  const draw = () => chart.setOption(options(table, document.documentElement.lang));
  const chart = init(holder);
  draw();
  addEventListener("resize", () => chart.resize());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
