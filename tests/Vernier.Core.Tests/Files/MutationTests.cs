using System.Text;

namespace Vernier.Tests;

public class MutationTests
{
    private static readonly byte[] Seed = Encoding.UTF8.GetBytes("""{"a":{"b":[1,22,333],"c":"text"},"d":true}""");

    [Fact]
    public void TheSameNumberGivesTheSameInputs()
    {
        Assert.Equal(Mutation.Of(Seed, 500, 7), Mutation.Of(Seed, 500, 7));
        Assert.NotEqual(Mutation.Of(Seed, 500, 7), Mutation.Of(Seed, 500, 8));
    }

    [Fact]
    public void InputsAreVariousAndTheSeedStaysAsItWas()
    {
        byte[] before = [.. Seed];
        int distinct = Mutation.Of(Seed, 2000, 1).Select(Convert.ToHexString).Distinct(StringComparer.Ordinal).Count();
        Assert.InRange(distinct, 1600, 2000);
        Assert.Equal(before, Seed);
    }

    [Fact]
    public void AnEmptySeedIsChanged() => Assert.Contains(Mutation.Of([], 100, 1), input => input.Length > 0);
}
