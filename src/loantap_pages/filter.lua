-- What Quarto adds to pandoc's Markdown: callouts, tabsets, folded code, cross-references. It runs after prepare.lua and tables.lua.
-- Anything it does not know is reported on stderr as PROBLEM <tab> text to look for in the source <tab> message.
local typst = FORMAT == "typst"
local NAMES = { fig = "Figure", tbl = "Table", eq = "Equation", sec = "Section" }
local CALLOUTS = { note = "Note", tip = "Tip", warning = "Warning", caution = "Caution", important = "Important" }
local DIV_ATTRIBUTES = { title = true, collapse = true, appearance = true, icon = true, fold = true, summary = true,
  ["when-format"] = true, ["unless-format"] = true }
local CLASSES = {}
for class in ("panel-tabset cell-code content-visible content-hidden smallcaps underline mark stack stack-34 stack-47 stack-70"):gmatch("%S+") do CLASSES[class] = true end
local IMAGE_ATTRIBUTES = { alt = true, ["fig-alt"] = true, width = true, height = true }
local styled, numbered = {}, false -- classes of the style sheets; whether sections have numbers
local labels, titles = {}, {} -- identifier -> its number; identifier -> its heading
local counts = { fig = 0, tbl = 0, eq = 0 }
local tabsets = 0

local function problem(needle, message) io.stderr:write("PROBLEM\t" .. needle .. "\t" .. message .. "\n") end
local function block(text) return pandoc.RawBlock(typst and "typst" or "html", text) end
local function inline(text) return pandoc.RawInline(typst and "typst" or "html", text) end
local function escape(text) return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" })) end
local function kind(id) local k = (id or ""):match("^(%a+)%-"); return NAMES[k] and k end
local function number(id)
  local k = kind(id)
  if labels[id] then problem("#" .. id, "the label " .. id .. " is used twice") end
  counts[k] = counts[k] + 1
  labels[id] = tostring(counts[k])
  return labels[id]
end
local function caption(id, inlines)
  local result = pandoc.Inlines({ pandoc.Strong({ pandoc.Str(NAMES[kind(id)] .. "\u{a0}" .. labels[id]) }) })
  if #inlines > 0 then
    result[1].content[1].text = result[1].content[1].text .. "."
    result:insert(pandoc.Space()); result:extend(inlines)
  end
  return pandoc.Caption({ pandoc.Plain(result) })
end
local function wrap(open, content, close)
  local result = pandoc.Blocks({ block(open) }); result:extend(content); result:insert(block(close)); return result
end

-- First: settings, and code that cannot be run ------------------------------------------------------------------------
local function settings(meta)
  for _, class in ipairs(meta["known-classes"] or {}) do styled[pandoc.utils.stringify(class)] = true end
  numbered = meta["number-sections"] == true
end
local function code_block(code)
  local class = code.classes[1] or ""
  if class:match("^{") then problem(class, "code cell " .. class .. " is not supported") end
end


-- Second: numbers for figures, tables, equations and sections, in the order of the page ------------------------------
local function equation(par)
  local last, math = par.content[#par.content], par.content[1]
  if #par.content < 2 or last.t ~= "Str" or math.t ~= "Math" then return nil end
  local id = last.text:match("^{#(eq%-[%w_-]+)}$")
  if not id then return nil end
  local n = number(id)
  if typst then
    local body = pandoc.write(pandoc.Pandoc({ pandoc.Plain({ math }) }), "typst"):gsub("%s+$", "")
    return block("#math.equation(block: true, numbering: _ => [(" .. n .. ")], " .. body .. ") <" .. id .. ">")
  end
  return pandoc.Div({ block('<div class="equation" tabindex="0" role="group" aria-label="Equation ' .. n .. '">'), pandoc.Plain({ math, pandoc.Span({ pandoc.Str("(" .. n .. ")") }, pandoc.Attr("", { "eq-number" })) }),
    block("</div>") }, pandoc.Attr(id))
end
local section, top = {}, typst and 1 or 2 -- prepare.lua has moved the headings there
local count_labels = {
  traverse = "topdown",
  Header = function(h)
    titles[h.identifier] = h.content
    if not numbered or h.classes:includes("unnumbered") then return nil end
    for level = h.level + 1, 6 do section[level] = 0 end
    section[h.level] = (section[h.level] or 0) + 1
    local parts = {}
    for level = top, h.level do parts[#parts + 1] = tostring(section[level] or 0) end
    labels[h.identifier] = table.concat(parts, ".")
    if not typst then
      h.content:insert(1, pandoc.Span({ pandoc.Str(labels[h.identifier] .. "\u{2002}") }, pandoc.Attr("", { "section-number" })))
      return h
    end
  end,
  Para = function(par)
    local only = #par.content == 1 and par.content[1]
    if only and only.t == "Image" and kind(only.identifier) == "fig" then -- an image without a caption is no Figure yet
      local id = only.identifier
      only.identifier = ""
      number(id)
      return pandoc.Figure({ pandoc.Plain({ only }) }, caption(id, {}), pandoc.Attr(id)), false
    end
    return equation(par)
  end,
  Figure = function(fig)
    local id, words = fig.identifier, fig.caption.long[1]
    if kind(id) == "fig" then number(id); fig.caption = caption(id, words and words.content or {}) end
    return fig
  end,
  Table = function(tbl)
    local id, words = tbl.identifier, tbl.caption.long[1]
    if kind(id) == "tbl" then number(id); tbl.caption = caption(id, words and words.content or {}) end
    return tbl
  end,
}
-- Third: what is left becomes HTML or typst -------------------------------------------------------------------------
local function callout(div, name)
  local title = div.attributes.title and pandoc.Inlines({ pandoc.Str(div.attributes.title) })
  if not title and div.content[1] and div.content[1].t == "Header" then
    title = div.content[1].content; div.content:remove(1)
  end
  local word = CALLOUTS[name]
  if typst then
    local head = pandoc.Inlines({ inline('#callout("' .. name .. '", [' .. word .. "], [") })
    head:extend(title or {}); head:insert(inline("])["))
    local result = pandoc.Blocks({ pandoc.Plain(head) })
    result:extend(div.content); result:insert(block("]")); return result
  end
  local head = pandoc.Inlines({ pandoc.Span({ pandoc.Str(word) }, pandoc.Attr("", { "callout-kind" })) })
  if title then head:insert(pandoc.Space()); head:extend(title) end
  local collapse = div.attributes.collapse
  local fold = collapse == "true" or collapse == "false"
  local id = div.identifier ~= "" and ' id="' .. escape(div.identifier) .. '"' or ""
  local class = ' class="callout callout-' .. name .. '"' .. id
  local open = fold and "<details" .. class .. (collapse == "false" and " open" or "") .. "><summary class=\"callout-title\">"
    or "<div" .. class .. '><p class="callout-title">'
  local result = pandoc.Blocks({ pandoc.Plain({ inline(open) }) })
  result[1].content:extend(head)
  result[1].content:insert(inline(fold and "</summary>" or "</p>"))
  result:insert(pandoc.Div(div.content, pandoc.Attr("", { "callout-body" })))
  result:insert(block(fold and "</details>" or "</div>"))
  return result
end
local function tabset(div)
  local tabs, level = {}, nil
  for _, b in ipairs(div.content) do
    if b.t == "Header" and (not level or b.level == level) then
      level = b.level
      tabs[#tabs + 1] = { title = b.content, content = pandoc.Blocks({}) }
    elseif #tabs > 0 then
      tabs[#tabs].content:insert(b)
    end
  end
  if #tabs == 0 then problem("panel-tabset", "a tabset needs a heading for each tab"); return nil end
  tabsets = tabsets + 1
  local result = pandoc.Blocks({})
  for i, tab in ipairs(tabs) do
    if typst then
      result:insert(pandoc.Para({ pandoc.Strong(tab.title) }))
      result:extend(tab.content)
    else
      local id = "tab-" .. tabsets .. "-" .. i
      local head = pandoc.Inlines({ inline('<input type="radio" name="tabset-' .. tabsets .. '" id="' .. id .. '"' ..
        (i == 1 and " checked" or "") .. '><label for="' .. id .. '">') })
      head:extend(tab.title); head:insert(inline("</label>"))
      result:insert(pandoc.Plain(head))
      result:insert(pandoc.Div(tab.content, pandoc.Attr("", { "tab" })))
    end
  end
  return typst and result or pandoc.Div(result, pandoc.Attr(div.identifier, { "tabset" }))
end
local function check(el, attributes)
  for _, class in ipairs(el.classes) do
    if not (styled[class] or CLASSES[class] or CALLOUTS[class:match("^callout%-(%a+)$") or ""]) then
      problem(class, "the class ." .. class .. " is neither supported nor styled by the site's style sheets")
    end
  end
  for name, _ in pairs(el.attributes) do
    if not attributes[name] then problem(name, "the attribute " .. name .. " is not supported here") end
  end
end
local function reference(cite, citation)
  local id = citation.id
  local k = kind(id)
  if not (k and labels[id]) and not (k == "sec" and titles[id]) then
    problem("@" .. id, "@" .. id .. (k and " refers to nothing on this page" or
      " is no cross-reference, and citations are not supported; write \\@ for a plain sign"))
    return pandoc.Str("@" .. id)
  end
  local words = labels[id] and pandoc.Inlines({ pandoc.Str(NAMES[k] .. "\u{a0}" .. labels[id]) }) or titles[id]
  if labels[id] and citation.mode == "SuppressAuthor" then words = pandoc.Inlines({ pandoc.Str(labels[id]) }) end
  return pandoc.Link(words, "#" .. id)
end
local function typst_image(image, alt) -- pandoc would leave the text for those who cannot see it out of the PDF
  local function quoted(text) return '"' .. text:gsub('[\\"]', "\\%0"):gsub("%s+", " ") .. '"' end
  local arguments = { quoted(image.src), "alt: " .. quoted(alt) }
  for _, name in ipairs({ "width", "height" }) do
    local value = image.attributes[name]
    if value then
      local pixels = tonumber((value:gsub("px$", "")))
      arguments[#arguments + 1] = name .. ": " .. (pixels and string.format("%.2fpt", pixels * 0.75) or value)
    end
  end
  return inline("#image(" .. table.concat(arguments, ", ") .. ")")
end
local finish = {
  traverse = "topdown",
  Div = function(div)
    local name = nil
    for _, class in ipairs(div.classes) do
      local candidate = class:match("^callout%-(%a+)$")
      if candidate and CALLOUTS[candidate] then name = candidate end
    end
    check(div, DIV_ATTRIBUTES)
    if name then return callout(div, name) end
    if div.classes:includes("panel-tabset") then return tabset(div) end
    if div.classes:includes("cell-code") then
      local fold = div.attributes.fold
      if typst or (fold ~= "true" and fold ~= "show") then return div.content end
      return wrap('<details class="code-fold"' .. (fold == "show" and " open" or "") .. "><summary>" ..
        escape(div.attributes.summary or "Code") .. "</summary>", div.content, "</details>")
    end
  end,
  Span = function(span) check(span, {}) end,
  CodeBlock = function(code)
    for name, _ in pairs(code.attributes) do problem(name, "the attribute " .. name .. " of a listing is not supported") end
  end,
  Table = function(tbl)
    check(tbl, {})
    local rows = 0
    for _, body in ipairs(tbl.bodies) do rows = rows + #body.body end
    if typst then -- a short table stays on one page
      if rows > 12 then return nil end
      return wrap("#block(breakable: false)[", { tbl }, "]"), false
    end
    return wrap('<div class="table-box">', { tbl }, "</div>"), false
  end,
  Image = function(image)
    local alt = image.attributes["fig-alt"] or image.attributes.alt
    image.attributes["fig-alt"] = nil
    check(image, IMAGE_ATTRIBUTES)
    if not alt or alt == "" then
      alt = pandoc.utils.stringify(image.caption)
      if alt == "" then problem(image.src, "the image " .. image.src .. " has no text for those who cannot see it: add fig-alt") end
    end
    if typst then return typst_image(image, alt) end
    image.attributes.alt = alt
    return image
  end,
  Link = function(link)
    if typst or link.target:match("^%a[%w+.-]*:") then return nil end
    link.target = link.target:gsub("%.qmd$", ".html"):gsub("%.qmd#", ".html#"):gsub("%.ipynb$", ".html"):gsub("%.ipynb#", ".html#")
    return link
  end,
}
local references = {
  Cite = function(cite)
    local result = pandoc.Inlines({})
    for i, citation in ipairs(cite.citations) do
      if i > 1 then result:insert(pandoc.Str(", ")) end
      if #citation.prefix > 0 then result:extend(citation.prefix); result:insert(pandoc.Space()) end
      result:insert(reference(cite, citation))
      result:extend(citation.suffix)
    end
    return result
  end,
}
return {
  { Meta = settings },
  { CodeBlock = code_block },
  count_labels,
  references,
  finish,
}
