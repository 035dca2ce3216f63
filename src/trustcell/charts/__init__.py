"""Values to SVG: lines with bands, bars, for pages whose policy allows no inline style and no script.

Colours are classes ``series-0`` to ``series-5`` with presentation attributes behind them; text and axes take
``currentColor``. The same values give the same octets.
"""

from trustcell.charts.drawing import Bars, Lines, Series, draw, rows

__all__ = ["Bars", "Lines", "Series", "draw", "rows"]
