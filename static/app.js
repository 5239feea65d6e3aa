// script of the pages
