package analyze

// ReconcileRules are the rules of gengtu reconcile.
type ReconcileRules struct{}
