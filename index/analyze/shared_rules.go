package analyze

// CodeRules are the rules of gengtu codes.
type CodeRules struct{}
