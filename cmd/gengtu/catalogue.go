package main

import "gengtu/tileserver/catalog"

// runCatalogue prints the embedded table of what the catalogue says of layers, to edit
// a copy of.
func runCatalogue(e *env, fs *flags) error {
	args, err := fs.parse(1, 1)
	if err != nil {
		return err
	}
	if args[0] != "show" {
		return usage("ARGUMENTS", "用法：gengtu catalogue show", "usage: gengtu catalogue show")
	}
	e.printf("%s", catalog.DefaultText())
	return nil
}
