-- Tables that fit, used by Quarto and by the built-in renderer: numbers to the right and in one piece, heads in one row, no
-- relative widths. On the site each cell names its head, so that a row can stand as a block where the window is too narrow; in
-- the PDF the columns share the page by what they hold.
local typst = FORMAT == "typst"
local NBSP = "\u{a0}"
local LETTER = 0.57 -- of a letter's width in a wide font to the size of the page's text
local BOLD = 1.1
local PADDING = 0.88 -- of a column, in the size of the page's text
local SENTENCE = 10 -- letters that a line of a sentence has at least
-- What fits into the first is a table everywhere; a wider one becomes blocks where its container is narrower than its class says
-- (report.css), which is a little more than it was measured to need.
local STEPS = { { 17.4 }, { 33.3, "stack-34" }, { 46.3, "stack-47" }, { math.huge, "stack-70" } }
local PAGE = 104 -- letters in a line of a table of the PDF, and what a column costs beside its letters
local GUTTER = 3.2
local SHORT = 12

local function text_of(cell) return pandoc.utils.stringify(cell.contents) end
local function length(text) -- in letters; points, brackets and the like are half as wide
  text = text:gsub(NBSP, " ")
  local _, narrow = text:gsub("[ .,:;()|ijlt'-]", "")
  return (utf8.len(text) or #text) - narrow / 2
end
local function longest_word(text)
  local longest = 0
  for word in text:gsub("%-(%a)", "- %1"):gmatch("%S+") do longest = math.max(longest, length(word)) end
  return longest
end

local function repeat_spans(rows) -- pandas lets an outer level span the rows of its inner ones; each row is to say it
  local above = {} -- of each column, the cell that reaches down from a row above, and how far it still does
  for _, row in ipairs(rows) do
    local cells, place = pandoc.List({}), 1
    while place <= #row.cells or above[#cells + 1] do
      local column = #cells + 1
      local from = above[column]
      if not from then
        local cell = row.cells[place]
        from = { cell = cell, left = cell.row_span }
        place = place + 1
      end
      from.left = from.left - 1
      above[column] = from.left > 0 and from or nil
      cells:insert(pandoc.Cell(from.cell.contents, from.cell.alignment, 1, from.cell.col_span, from.cell.attr))
    end
    row.cells = cells
  end
end
local function is_plain(tbl, rows) -- every row has one cell for each column
  for _, row in ipairs(rows) do
    if #row.cells ~= #tbl.colspecs then return false end
    for _, cell in ipairs(row.cells) do if cell.col_span > 1 then return false end end
  end
  return #tbl.head.rows > 0
end
local function join_last_heads(tbl) -- pandas names the columns in one row and the index in the next
  local rows = tbl.head.rows
  local above, last = rows[#rows - 1], rows[#rows]
  if not above then return end
  for column, cell in ipairs(last.cells) do if column > 1 and text_of(cell) ~= "" then return end end
  local index, columns = text_of(last.cells[1]), text_of(above.cells[1])
  above.cells[1].contents = { pandoc.Plain({ pandoc.Str(index .. (columns ~= "" and " / " .. columns or "")) }) }
  rows:remove(#rows)
  tbl.head.rows = rows
end
local function heads_of(tbl) -- the words above each column, of all rows of the head
  local heads = {}
  for _, row in ipairs(tbl.head.rows) do
    local column = 1
    for _, cell in ipairs(row.cells) do
      for _ = 1, cell.col_span do
        heads[column] = ((heads[column] or "") .. " " .. text_of(cell)):gsub("^ +", ""):gsub(" +$", "")
        column = column + 1
      end
    end
  end
  return heads
end

local function numeric(cells)
  local seen = false
  for _, cell in ipairs(cells) do
    local text = text_of(cell):gsub("\u{2212}", "-"):gsub("[%s,%%$()+]", ""):gsub(NBSP, "")
    if text ~= "" and text ~= "NaN" and text ~= "-" and text ~= "\u{2013}" then
      if not tonumber(text) then return false end
      seen = true
    end
  end
  return seen
end
local function keep_in_one_piece(cell) -- a number breaks before its interval and nowhere else
  cell.contents = pandoc.Blocks(cell.contents):walk({
    Inlines = function(inlines)
      for place, inline in ipairs(inlines) do
        local after = inlines[place + 1]
        if inline.t == "Space" and not (after and after.t == "Str" and after.text:match("^%(")) then
          inlines[place] = pandoc.Str(NBSP)
        end
      end
      return inlines
    end,
  })
end
local function align(tbl, rows)
  for column, spec in ipairs(tbl.colspecs) do
    local cells = rows:map(function(row) return row.cells[column] end)
    local side = spec[1]
    if side == "AlignDefault" then side = numeric(cells) and "AlignRight" or "AlignLeft" end
    tbl.colspecs[column] = { side, nil }
    if side == "AlignRight" then cells:map(keep_in_one_piece) end
  end
end

local function measure(tbl, rows, heads) -- letters that each column needs, and that it would take if there were room
  local needs, wants = {}, {}
  for column, spec in ipairs(tbl.colspecs) do
    needs[column], wants[column] = longest_word(heads[column]) * BOLD, 0
    for _, row in ipairs(rows) do
      local text = text_of(row.cells[column])
      local least = spec[1] == "AlignRight" and 0 or math.min(length(text), SENTENCE)
      needs[column] = math.max(needs[column], longest_word(text), least)
      wants[column] = math.max(wants[column], needs[column], length(text))
    end
  end
  return needs, wants
end
local function share_page(tbl, needs, wants) -- where the page does not give every column what it would take
  local function total(widths)
    local sum = 0
    for _, width in ipairs(widths) do sum = sum + width + GUTTER end
    return sum
  end
  if total(wants) <= PAGE then return end
  local whole = {} -- numbers and short words in one line, if that leaves sentences enough
  for column, spec in ipairs(tbl.colspecs) do
    local short = spec[1] == "AlignRight" or wants[column] <= SHORT
    whole[column] = BOLD * (short and wants[column] or math.max(needs[column], math.min(wants[column], 2 * SENTENCE)))
  end
  if total(whole) <= PAGE then needs = whole end
  local need, want = total(needs), total(wants)
  for column, spec in ipairs(tbl.colspecs) do
    local more = want > need and math.max(0, PAGE - need) * (wants[column] - needs[column]) / (want - need) or 0
    tbl.colspecs[column] = { spec[1], (needs[column] + GUTTER + more) / math.max(PAGE, need) }
  end
end
local function make_blocks_of_rows(tbl, rows, heads, needs, wants)
  local width = 0
  for _, need in ipairs(needs) do width = width + need * LETTER + PADDING end
  for _, step in ipairs(STEPS) do
    if width <= step[1] then
      if step[2] then tbl.classes:extend({ "stack", step[2] }) end
      break
    end
  end
  for _, row in ipairs(rows) do
    for column, cell in ipairs(row.cells) do
      if tbl.colspecs[column][1] ~= "AlignRight" and wants[column] > 24 then cell.classes:insert("words") end
      local names_row = column == 1 and tbl.colspecs[1][1] ~= "AlignRight" -- it needs no head
      if heads[column] ~= "" and not names_row then cell.attributes["data-label"] = heads[column] end
    end
  end
end

function Table(tbl)
  local rows = pandoc.List({})
  for _, body in ipairs(tbl.bodies) do
    repeat_spans(body.body)
    rows:extend(body.body)
  end
  if not is_plain(tbl, rows) then return nil end
  join_last_heads(tbl)
  align(tbl, rows)
  local heads = heads_of(tbl)
  local needs, wants = measure(tbl, rows, heads)
  if typst then share_page(tbl, needs, wants) else make_blocks_of_rows(tbl, rows, heads, needs, wants) end
  return tbl
end
