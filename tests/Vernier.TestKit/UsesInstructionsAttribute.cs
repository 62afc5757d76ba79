using Xunit.v3;

namespace Vernier.TestKit;

/// <summary>
/// Marks tests of code that uses instructions of a processor beyond the common ones: the <see cref="InstructionTestsBase"/> of the
/// assembly run them again without those instructions.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class UsesInstructionsAttribute : Attribute, ITraitAttribute
{
    /// <summary>The trait that the filter asks for.</summary>
    public const string Trait = "uses=instructions";

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("uses", "instructions")];
}
