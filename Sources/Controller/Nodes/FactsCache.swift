import Appliance
import Fleet

/// What each node was found to be in this run.
actor FactsCache {
  private var facts: [NodeID: NodeFacts] = [:]

  func keep(_ found: NodeFacts, of node: NodeID) { facts[node] = found }
  func of(_ node: NodeID) -> NodeFacts? { facts[node] }
}
