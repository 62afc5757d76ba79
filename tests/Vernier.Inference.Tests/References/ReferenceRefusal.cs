namespace Vernier.Tests.References;

/// <summary>Files that the reference can't compute, with the reason: a program that runs them runs something else.</summary>
internal sealed class ReferenceRefusal(string reason) : Exception(reason);
