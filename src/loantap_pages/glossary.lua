-- Link the words of the glossary at their first use on a page that names its glossary in the front matter. Not in headings,
-- captions, tables, code or links: there a link distracts, or is not allowed.
local TERMS = {
  { "f2", "F2" }, { "odds-ratio", "odds ratio", "odds ratios" }, { "cramers-v", "Cramér's V" },
  { "calibration", "calibration", "calibrated" }, { "roc-auc", "ROC-AUC" }, { "data-leakage", "data leakage" }, { "smote", "SMOTE" },
  { "holm", "Holm" }, { "confidence-interval", "confidence interval", "confidence intervals" },
  { "default-rate", "default rate", "default rates" }, { "dti", "debt-to-income", "debt-to-income ratio", "DTI" },
  { "expected-profit", "expected profit" }, { "verdict", "verdict", "verdicts" }, { "frontier", "frontier" },
  { "four-fifths", "four-fifths", "four fifths" }, { "out-of-time", "out-of-time" },
  { "synthetic-data", "synthetic data", "synthetic loans", "synthetic snapshots" },
}
local page, phrases, linked = nil, {}, {}

local function words_of(text)
  local words = {}
  for word in text:lower():gsub("[’]", "'"):gmatch("%S+") do words[#words + 1] = word end
  return words
end
for _, term in ipairs(TERMS) do
  for place = 2, #term do phrases[#phrases + 1] = { anchor = term[1], words = words_of(term[place]) } end
end
table.sort(phrases, function(a, b) return #a.words > #b.words end) -- the longest that fits

local function fits(inlines, start, words)
  for offset, word in ipairs(words) do
    local one = inlines[start + 2 * (offset - 1)]
    local between = offset > 1 and inlines[start + 2 * (offset - 1) - 1]
    if not one or one.t ~= "Str" or (between and between.t ~= "Space" and between.t ~= "SoftBreak") then return nil end
    local text = one.text:lower():gsub("’", "'")
    if offset == 1 then text = text:gsub("^[%(“\"]+", "") end
    local bare = offset == #words and text:gsub("[%.,;:!%?%)”\"]+$", "") or text
    if bare ~= word then return nil end
  end
  return start + 2 * (#words - 1)
end
local link
function link(inlines)
  local place = 1
  while place <= #inlines do
    local one = inlines[place]
    if one.t == "Link" then -- what a page links itself is linked
      linked[one.target:match("glossary%.[a-z]+#([%w-]+)$") or ""] = true
    elseif one.t == "Strong" or one.t == "Emph" or one.t == "Span" then
      one.content = link(one.content)
    end
    for _, phrase in ipairs(phrases) do
      local last = not linked[phrase.anchor] and fits(inlines, place, phrase.words)
      if last then
        local before = inlines[place].text:match("^[%(“\"]+") or ""
        local after = inlines[last].text:match("[%.,;:!%?%)”\"]+$") or ""
        local content = pandoc.Inlines({})
        for at = place, last do content:insert(inlines[at]:clone()) end
        content[1].text = content[1].text:sub(#before + 1)
        content[#content].text = content[#content].text:sub(1, #content[#content].text - #after)
        for _ = place, last do inlines:remove(place) end
        if after ~= "" then inlines:insert(place, pandoc.Str(after)) end
        inlines:insert(place, pandoc.Link(content, page .. "#" .. phrase.anchor))
        if before ~= "" then inlines:insert(place, pandoc.Str(before)); place = place + 1 end
        linked[phrase.anchor] = true
        break
      end
    end
    place = place + 1
  end
  return inlines
end
local function prose(block) -- links stand in none of these
  block.content = link(block.content)
  return block
end
local function keep(element) return element, false end

return { {
  Pandoc = function(doc)
    if not doc.meta.glossary or FORMAT:match("typst") then return nil end
    page = pandoc.utils.stringify(doc.meta.glossary)
    doc.blocks = doc.blocks:walk({
      traverse = "topdown", Para = prose, Plain = prose, Table = keep, Figure = keep, Header = keep, CodeBlock = keep,
    })
    return doc
  end,
} }
