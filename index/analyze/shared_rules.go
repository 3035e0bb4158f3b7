package analyze

// ReconcileRules are the rules of gengtu reconcile; CodeRules those of gengtu codes.
type (
	ReconcileRules struct{}
	CodeRules      struct{}
)
