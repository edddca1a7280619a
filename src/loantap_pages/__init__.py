"""Render a staged Quarto website without Quarto, with the engines Quarto itself uses: pandoc and typst.

It knows the part of Quarto's language that the report needs. Anything else is an error that names file and line,
never a page that looks almost right.
"""
