namespace Vernier.TestKit;

/// <summary>Asserts which refusal it was, where the type of the exception alone does not tell.</summary>
public static class Refusal
{
    /// <summary>Asserts that an action throws an exception of exactly this type.</summary>
    /// <param name="what">The argument that is refused, the object that is disposed of, or words of the message.</param>
    /// <param name="act">The action.</param>
    public static T Of<T>(string what, Action act)
        where T : Exception
    {
        T error = Assert.Throws<T>(act);
        bool isIt = error switch
        {
            ObjectDisposedException disposed => disposed.ObjectName == what,
            ArgumentException argument when argument.ParamName == what => true,
            _ => error.Message.Contains(what, StringComparison.Ordinal),
        };
        return isIt ? error : throw new Xunit.Sdk.XunitException($"'{what}' was refused otherwise: {error.Message}");
    }

    /// <inheritdoc cref="Of{T}(string, Action)"/>
    public static T Of<T>(string what, Func<object?> act)
        where T : Exception => Of<T>(what, () => { _ = act(); });
}
