-- Links to other files of the site mean nothing inside a PDF: keep their words. Used by Quarto and by the built-in renderer.
function Link(link)
  local target = link.target
  if FORMAT == "typst" and not target:match("^#") and not target:match("^%a[%w+.-]*:") then
    return link.content
  end
end
