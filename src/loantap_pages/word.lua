-- What the other filters leave as HTML becomes what a Word document knows; links to other files of the site keep their words only.
function Plain(plain)
  local title, kind = pandoc.Inlines({}), nil
  for _, inline in ipairs(plain.content) do
    if inline.t == "Span" and inline.classes:includes("callout-kind") then
      kind = inline.content
    elseif kind and inline.t ~= "RawInline" and not (#title == 0 and inline.t == "Space") then
      title:insert(inline)
    end
  end
  if kind then return pandoc.Para({ pandoc.Strong(#title > 0 and title or kind) }) end
end

local PER_ROW = 3

local function tiles(div) -- a table of key figures, without heads
  local rows = {}
  for _, cell in ipairs(div.content) do
    if cell.t == "Div" and cell.classes:includes("tiles-cell") then
      if #rows == 0 or #rows[#rows] == PER_ROW then rows[#rows + 1] = {} end
      table.insert(rows[#rows], cell.content)
    end
  end
  if #rows == 0 then return nil end
  while #rows[#rows] < PER_ROW do table.insert(rows[#rows], {}) end
  local sides, widths = {}, {}
  for i = 1, PER_ROW do sides[i], widths[i] = "AlignLeft", 1 / PER_ROW end
  return pandoc.utils.from_simple_table(pandoc.SimpleTable({}, sides, widths, {}, rows))
end

function Div(div)
  if div.classes:includes("tiles") then return tiles(div) end
  if div.classes:includes("callout-body") then return pandoc.BlockQuote(div.content) end
end

function Image(image) -- the writer takes the text for those who cannot see it from the caption
  if image.attributes.alt then image.caption = pandoc.Inlines({ pandoc.Str(image.attributes.alt) }) end
  return image
end

function Link(link)
  if not link.target:match("^#") and not link.target:match("^%a[%w+.-]*:") then return link.content end
end
