package access

// Parse reads the content of an access file, of which nothing is known to be right.
func Parse(data []byte) (*File, error) { return parse(data, nil) }
