namespace Vernier.Tests;

/// <summary>The marked tests of this assembly without instructions.</summary>
public class InstructionTests : InstructionTestsBase;
