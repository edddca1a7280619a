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

function Div(div)
  if div.classes:includes("callout-body") then return pandoc.BlockQuote(div.content) end
end

function Image(image) -- the writer takes the text for those who cannot see it from the caption
  if image.attributes.alt then image.caption = pandoc.Inlines({ pandoc.Str(image.attributes.alt) }) end
  return image
end

function Link(link)
  if not link.target:match("^#") and not link.target:match("^%a[%w+.-]*:") then return link.content end
end
