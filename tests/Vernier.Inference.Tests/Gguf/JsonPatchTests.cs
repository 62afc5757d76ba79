using System.Text.Json.Nodes;
using Vernier.Inference.Gguf;

namespace Vernier.Tests.Gguf;

/// <summary>What leads from one JSON object to another.</summary>
public class JsonPatchTests
{
    [Theory]
    [InlineData("{}", "{}", "{}")]
    [InlineData("""{"a":1}""", """{"a":1}""", "{}")]
    [InlineData("""{"a":1,"b":2}""", """{"b":2,"a":1}""", "{}")]
    [InlineData("""{"a":1}""", """{"a":2}""", """{"a":2}""")]
    [InlineData("""{"a":1}""", "{}", """{"a":null}""")]
    [InlineData("{}", """{"a":null}""", """{"a":{"$null":true}}""")]
    [InlineData("""{"a":null}""", "{}", """{"a":null}""")]
    [InlineData("""{"a":null}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":1}""", """{"a":null}""", """{"a":{"$null":true}}""")]
    [InlineData("""{"a":null}""", """{"a":0}""", """{"a":0}""")]
    [InlineData("""{"a":{"b":1,"c":2}}""", """{"a":{"b":1,"c":3}}""", """{"a":{"c":3}}""")]
    [InlineData("""{"a":{"b":1}}""", """{"a":{}}""", """{"a":{"b":null}}""")]
    [InlineData("""{"a":{"b":{"c":1}}}""", """{"a":{"b":{"c":null}}}""", """{"a":{"b":{"c":{"$null":true}}}}""")]
    [InlineData("""{"a":[1,2]}""", """{"a":[2,1]}""", """{"a":[2,1]}""")]
    [InlineData("""{"a":1}""", """{"a":{"b":null}}""", """{"a":{"b":null}}""")]
    [InlineData("""{"a":{"b":1}}""", """{"a":"b"}""", """{"a":"b"}""")]
    [InlineData("""{"a":true}""", """{"a":"true"}""", """{"a":"true"}""")]
    public void ThePatchIsTheLeastThatLeadsThere(string from, string to, string patch)
    {
        JsonObject source = Object(from), target = Object(to);
        JsonObject found = JsonPatch.Between(source, target);
        Assert.True(JsonNode.DeepEquals(Object(patch), found), found.ToJsonString());
        Assert.Equal((from, to), (source.ToJsonString(), target.ToJsonString()));
        JsonPatch.Apply(source, Object(found.ToJsonString()));
        Assert.True(JsonNode.DeepEquals(target, source), source.ToJsonString());
    }

    [Fact]
    public void AnyObjectComesFromAnyOther()
    {
        var random = new Random(6);
        for (int trial = 0; trial < 2000; trial++)
        {
            JsonObject from = RandomObject(random, 3), to = RandomObject(random, 3);
            JsonObject patch = Object(JsonPatch.Between(from, to).ToJsonString());
            string text = patch.ToJsonString();
            JsonPatch.Apply(from, patch);
            Assert.True(JsonNode.DeepEquals(to, from), $"{to.ToJsonString()} and not {from.ToJsonString()} by {text}");
            Assert.Equal(text, patch.ToJsonString());
            // The patch stays apart from what it was applied to.
            foreach (JsonObject inner in from.Select(pair => pair.Value).OfType<JsonObject>())
                inner["changed"] = 1;
            Assert.Equal(text, patch.ToJsonString());
        }
    }

    private static JsonObject Object(string text) => JsonNode.Parse(text)!.AsObject();

    private static JsonObject RandomObject(Random random, int depth)
    {
        var result = new JsonObject();
        foreach (char name in "abcd")
        {
            if (random.Next(3) > 0)
                result[name.ToString()] = random.Next(depth > 0 ? 6 : 4) switch
                {
                    0 => null,
                    1 => random.Next(2),
                    2 => "x",
                    3 => new JsonArray(1, random.Next(2), null),
                    _ => RandomObject(random, depth - 1),
                };
        }
        return result;
    }
}
