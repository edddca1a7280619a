-- Pages that come to Quarto with their outputs (quarto_pages.py): code and HTML tables in the form that Quarto itself gives them,
-- and links to pages of the site under the names that they have here.
local function code_of_cell(div)
  if not div.classes:includes("cell-code") then return nil end
  local code = div.content[1]
  code.classes:insert("cell-code")
  if div.attributes.fold ~= "false" then
    code.attributes["code-fold"] = div.attributes.fold
    code.attributes["code-summary"] = div.attributes.summary
  end
  return code
end
local function html_table(code)
  if not code.classes:includes("html-table") then return nil end
  local found = pandoc.Blocks({})
  local function plain(el) return el.content end
  pandoc.read(code.text:gsub("<style.->.-</style>", ""), "html"):walk({ Table = function(tbl)
    tbl.attr = pandoc.Attr()
    found:insert(tbl:walk({ Span = plain, Div = plain }))
  end })
  return found
end
-- Quarto's own tbl-colwidths: false would take the classes and the cells' attributes with the widths.
local function without_widths(tbl)
  for column, spec in ipairs(tbl.colspecs) do tbl.colspecs[column] = { spec[1], nil } end
  return tbl
end
local function page_of_notebook(link)
  if link.target:match("^%a[%w+.-]*:") then return nil end
  link.target = link.target:gsub("%.ipynb$", ".qmd"):gsub("%.ipynb#", ".qmd#")
  return link
end

return {
  { Div = code_of_cell, CodeBlock = html_table, Link = page_of_notebook },
  { Table = without_widths },
}
