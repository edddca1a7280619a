-- Before cross-references: drop what is meant for another format, make every table and figure one of pandoc's, and start the
-- headings at the level that the format wants.
local function problem(needle, message) io.stderr:write("PROBLEM\t" .. needle .. "\t" .. message .. "\n") end

local function conditional(el)
  local visible, hidden = el.classes:includes("content-visible"), el.classes:includes("content-hidden")
  if not visible and not hidden then return nil end
  local when, unless = el.attributes["when-format"], el.attributes["unless-format"]
  local wanted = when or unless
  if wanted ~= "html" and wanted ~= "typst" then
    problem("content-" .. (visible and "visible" or "hidden"),
      'expected when-format or unless-format to be "html" or "typst", got ' .. (wanted or "neither"))
    return nil
  end
  local format = FORMAT == "docx" and "typst" or FORMAT:gsub("html5", "html") -- Word shows what the PDF does
  local match = (wanted == format) == (when ~= nil)
  if match == visible then return el.content end
  return {}
end

local function html_table(code)
  local text = code.text:gsub("<style.->.-</style>", "")
  local found = pandoc.Blocks({})
  pandoc.read(text, "html"):walk({ Table = function(t)
    t.attr = pandoc.Attr()
    t = t:walk({ Span = function(s) return s.content end, Div = function(d) return d.content end })
    for _, rows in ipairs({ t.head.rows, t.bodies[1] and t.bodies[1].body or {} }) do
      for _, row in ipairs(rows) do
        row.attr = pandoc.Attr()
        for _, cell in ipairs(row.cells) do cell.attr = pandoc.Attr(); cell.alignment = "AlignDefault" end
      end
    end
    for i, _ in ipairs(t.colspecs) do t.colspecs[i] = { "AlignDefault", nil } end
    found:insert(t)
  end })
  return found
end

local function table_div(div) -- ::: {#tbl-x} table, caption as the last paragraph :::
  local last, tbl = div.content[#div.content], nil
  for _, b in ipairs(div.content) do if b.t == "Table" then tbl = b end end
  if not tbl then problem("#" .. div.identifier, "the block " .. div.identifier .. " holds no table"); return nil end
  if last.t == "Para" or last.t == "Plain" then
    tbl.caption = pandoc.Caption({ pandoc.Plain(last.content) }); div.content:remove(#div.content)
  end
  tbl.identifier = div.identifier
  for i, b in ipairs(div.content) do if b.t == "Table" then div.content[i] = tbl end end
  return div.content
end
local function figure_div(div) -- ::: {#fig-x} image, caption :::
  local first, last = div.content[1], div.content[#div.content]
  local image = first and (first.t == "Para" or first.t == "Plain") and #first.content == 1 and first.content[1]
  if #div.content ~= 2 or not image or image.t ~= "Image" or last.t ~= "Para" then
    problem("#" .. div.identifier, "the block " .. div.identifier .. ": expected one image and then its caption")
    return nil
  end
  return pandoc.Blocks({ pandoc.Figure({ pandoc.Plain({ image }) }, pandoc.Caption({ pandoc.Plain(last.content) }),
    pandoc.Attr(div.identifier)) })
end
local labelled_divs = {
  Div = function(div)
    if div.identifier:match("^tbl%-") then return table_div(div) end
    if div.identifier:match("^fig%-") then return figure_div(div) end
  end,
}
local function shift_headings(doc) -- sections start below the title in HTML, at the first level in the PDF
  local least = 7
  doc:walk({ Header = function(h) least = math.min(least, h.level) end })
  local top = (FORMAT == "typst" or FORMAT == "docx") and 1 or 2
  if least == 7 or least == top then return nil end
  return doc:walk({ Header = function(h) h.level = math.min(6, h.level - least + top); return h end })
end

return {
  { Div = conditional, Span = conditional },
  { CodeBlock = function(code) if code.classes:includes("html-table") then return html_table(code) end end },
  labelled_divs,
  { Pandoc = shift_headings },
}
