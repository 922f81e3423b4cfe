"""How figures are drawn: SVG and HTML without styles, scripts or addresses of their own."""
